package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// A member's call is numbered, and goes out again under its number when the answer was lost (A15).
func TestA15_ACallIsSentAgainUnderItsNumber(t *testing.T) {
	g := settled()
	var calls atomic.Int32
	f := startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] != "ONCE" {
			return g.answer(l, cmd)
		}
		if calls.Add(1) == 1 {
			_ = l.Close() // the answer is lost
			return nil
		}
		return reply(caucus.Int(77))
	})
	_, m := join(t, &clocks{}, f.addr)
	at := time.UnixMilli(1_700_000_000_123)
	opts := client.VoteOptions{Kind: client.Majority, Timeout: time.Minute, At: at}
	poll, err := m.CallVote(within(t), "what", opts)
	if err != nil || poll != 77 {
		t.Fatalf("poll %d, %v", poll, err)
	}
	if n := f.count("ONCE 1 VOTE CALL g what MAJORITY TIMEOUT 60000 AT 1700000000123"); n != 2 {
		t.Errorf("it was sent %d times: %q", n, f.came)
	}
	if _, err := m.CallVote(within(t), "other", client.VoteOptions{Kind: client.Consensus}); err != nil {
		t.Error(err)
	}
	f.await("ONCE 2 VOTE CALL g other CONSENSUS", 1)
}

func TestVotesAreCast(t *testing.T) {
	g := settled()
	f := startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		switch strings.Join(cmd, " ") {
		case "VOTE CAST g 7 YES":
			return reply(caucus.OK())
		case "VOTE CAST g 7 NO":
			return fail(caucus.ErrConflict, "it has voted yes")
		}
		return g.answer(l, cmd)
	})
	_, m := join(t, &clocks{}, f.addr)
	if err := m.Cast(within(t), 7, true); err != nil {
		t.Error(err)
	}
	if err := m.Cast(within(t), 7, false); !errors.Is(err, caucus.ErrConflict) {
		t.Error(err)
	}
}

// A result is asked for until it is there: of the same node while it waits, of another when that one stops or
// goes away.
func TestResultsAreWaitedFor(t *testing.T) {
	var asked atomic.Int32
	f := startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		switch {
		case cmd[0] != "VOTE":
			return reply(caucus.OK())
		case cmd[3] == "8":
			return fail(caucus.ErrNoPoll, "there is none")
		case cmd[3] == "9":
			return nil
		}
		switch asked.Add(1) {
		case 1:
			return reply(caucus.NilArray())
		case 2:
			return fail(caucus.ErrTryAgain, "this node is stopping")
		case 3:
			_ = l.Close()
			return nil
		}
		return reply(caucus.Array(caucus.Bulk("yes"), caucus.Int(2), caucus.Int(1), caucus.Int(3)))
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	r, err := c.VoteResult(within(t), "g", 7)
	if want := (client.VoteResult{Outcome: "yes", Yes: 2, No: 1, Electorate: 3}); err != nil || r != want {
		t.Errorf("%+v, %v", r, err)
	}
	if n := f.count("VOTE RESULT g 7 WAIT "); n != 4 {
		t.Errorf("it was asked for %d times", n)
	}
	if _, err := c.VoteResult(within(t), "g", 8); !errors.Is(err, caucus.ErrNoPoll) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		f.await("VOTE RESULT g 9", 1)
		cancel()
	}()
	if _, err := c.VoteResult(ctx, "g", 9); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestEventsOfVotes(t *testing.T) {
	e, err := client.ParseEvent(`{"event":"result","group":"g","life":1,"seq":2,"time":3,"poll":4,` +
		`"topic_b64":"/wA=","kind":"consensus","outcome":"yes","yes":5,"no":6,"electorate":11,"at":1700000000000}`)
	if err != nil || e.Poll != 4 || e.Topic != "\xff\x00" || e.VoteKind != "consensus" || e.Outcome != "yes" ||
		e.Yes != 5 || e.No != 6 || e.Electorate != 11 || e.At != 1_700_000_000_000 {
		t.Errorf("%+v, %v", e, err)
	}
	e, err = client.ParseEvent(`{"event":"vote","topic":null,"caller":"a","deadline":9,"at":null}`)
	if err != nil || e.Topic != "" || e.Caller != "a" || e.Deadline != 9 || e.At != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := client.ParseEvent(`{"event":"vote","topic_b64":"!"}`); err == nil {
		t.Error("what is no base64 was read")
	}
}

// Who prints a vote reads how many must say yes, not a number.
func TestKindsOfVotesHaveNames(t *testing.T) {
	got := fmt.Sprint(client.UsualVote, ",", client.Majority, ",", client.Consensus)
	if got != ",majority,consensus" {
		t.Errorf("they are %q", got)
	}
}
