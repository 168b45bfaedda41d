package tests

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// told is what a member's handlers were told of the log.
type told struct {
	t    *testing.T
	more chan string
}

func (d *told) tell(kind, who string, seq uint64) { d.more <- fmt.Sprint(kind, " ", who, " ", seq) }

// until gathers what is told up to what begins so.
func (d *told) until(prefix string) (all []string) {
	d.t.Helper()
	limit := time.After(nodetest.Patience)
	for {
		select {
		case s := <-d.more:
			if all = append(all, s); strings.HasPrefix(s, prefix) {
				return all
			}
		case <-limit:
			d.t.Fatalf("nothing like %q was told; only %q", prefix, all)
		}
	}
}

func (d *told) handlers() *client.Handlers {
	event := func(_ *client.Member, e client.Event) { d.tell(e.Kind, e.Member, e.Seq) }
	return &client.Handlers{OnJoined: event, OnLeft: event, OnLeader: event, OnLeaderless: event, OnGap: event}
}

// Handlers talk to each other: a greets, b asks the leader, who answers it alone; then b calls a vote, and
// all vote. B's node is killed, and b is still told all, once, as everybody else can read it.
func TestA11_HandlersHearEverythingOnAnyNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	ctx := t.Context()
	must := func(_ any, err error) {
		if err != nil {
			t.Error(err)
		}
	}
	message := func(m *client.Member, msg client.Message) {
		switch {
		case msg.Payload == "hello" && m.Name() == "b":
			must(m.Send(ctx, "question", client.Recipient{Leader: true}))
		case msg.Kind == "leader" && msg.Payload == "question" && m.Name() == "a":
			must(m.Send(ctx, "answer", client.Recipient{Member: msg.Sender}))
		case msg.Kind == "member" && msg.Payload == "answer" && msg.Term > 0 && m.Name() == "b":
			must(m.CallVote(ctx, "go", client.VoteOptions{Kind: client.Consensus, Timeout: time.Minute}))
		}
	}
	join := func(node int, name string) (*client.Member, *told) {
		d := &told{t, make(chan string, 999)}
		h := d.handlers()
		h.OnMessage = message
		h.OnVote = func(m *client.Member, v client.Vote) { must(nil, m.Cast(ctx, v.Poll, true)) }
		h.OnResult = func(_ *client.Member, v client.Vote, r client.VoteResult) {
			d.tell("result", v.Topic+" "+r.Outcome, uint64(r.Yes))
		}
		s, _ := visit(t, c, node, client.SessionOptions{})
		m, err := s.Join(ctx, "g", client.JoinOptions{Name: name, Settle: client.Immediately, Handlers: h})
		if err != nil {
			t.Fatal(err)
		}
		return m, d
	}
	a, toA := join(0, "a")
	_, toB := join(1, "b")
	toA.until("joined b")
	heard := toB.until("joined b")
	must(a.Send(ctx, "hello", client.Recipient{}))
	toA.until("result go yes 2")
	heard = append(heard, toB.until("result go yes 2")...)
	c.Kill(1)
	must(nil, a.Leave(ctx))
	join(2, "c")
	heard = append(heard, toB.until("joined c")...)

	own := heard[slices.IndexFunc(heard, func(s string) bool { return strings.HasPrefix(s, "joined b") })]
	r, err := nodetest.Ask(c.Addr(0), "GROUP", "EVENTS", "g", "FROM", strings.Fields(own)[2])
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, item := range r.Items {
		e, err := client.ParseEvent(item.Items[1].Text())
		must(nil, err)
		if slices.Contains([]string{"joined", "left", "leader", "leaderless"}, e.Kind) {
			want = append(want, fmt.Sprint(e.Kind, " ", e.Member, " ", e.Seq))
		}
	}
	heard = slices.DeleteFunc(heard, func(s string) bool { return strings.HasPrefix(s, "result") })
	if !slices.Equal(heard, want) {
		t.Errorf("b was told\n%q, there was\n%q", heard, want)
	}
}

// A handler that takes nothing is sent no more at some time, and costs the node no more memory. When it goes
// on it is told all the same what the log has kept; of plain messages it sees by their numbers what is
// missing.
func TestA11_WhatASlowHandlerMissedIsReadAgain(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	const many = 80
	ordered, plain, may := make(chan string, many), make(chan uint64, many), make(chan struct{})
	release := sync.OnceFunc(func() { close(may) })
	s, _ := visit(t, c, 0, client.SessionOptions{})
	defer release()
	m, err := s.Join(t.Context(), "g", client.JoinOptions{Handlers: &client.Handlers{
		OnMessage: func(_ *client.Member, msg client.Message) {
			<-may
			if msg.Kind == "ordered" {
				ordered <- msg.Payload
			} else {
				plain <- msg.N
			}
		},
		OnGap: func(_ *client.Member, e client.Event) { t.Errorf("a gap: %+v", e) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	filling := strings.Repeat("x", 1<<20)
	for i := range many {
		_, err := m.Send(t.Context(), filling, client.Recipient{})
		_, wrong := m.Send(t.Context(), fmt.Sprint(i), client.Recipient{Ordered: true})
		if err != nil || wrong != nil {
			t.Fatal(err, wrong)
		}
	}
	release()
	for i := range many {
		select {
		case text := <-ordered:
			if text != fmt.Sprint(i) {
				t.Fatalf("message %d is %s", i, text)
			}
		case <-time.After(nodetest.Patience):
			t.Fatalf("message %d does not come", i)
		}
	}
	for n := uint64(1); len(plain) > 0; n++ {
		if got := <-plain; got != n {
			t.Errorf("%d came before %d", got, n)
		} else if n == many {
			t.Error("all came, so it was not cut")
		}
	}
}
