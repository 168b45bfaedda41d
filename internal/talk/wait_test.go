package talk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/talk"
)

func planOf(line string) *talk.Plan {
	t := talk.New(talk.Config{Table: command.New()})
	p, _ := t.Plan([]caucus.Command{strings.Fields(line)})
	return p
}

// What may be waited for is a read of its own that does not go through the log (SAFETY B7).
func TestB7_WhatWaits(t *testing.T) {
	for line, millis := range map[string]int64{
		"group events g from 1 block 0": 0, "GROUP EVENTS g BLOCK 70 FROM 1 COUNT 2": 70,
		"group events g from 1": -1, "group events g from 1 block -1": -1, "group events g from 1 block": -1,
		"group events g from 1 block 9999999999999": -1, "group info g": -1, "get block": -1,
		"vote result g 7 wait 0": 0, "VOTE RESULT g 7 WAIT 50": 50, "vote result g 7": -1,
		"vote result g 7 wait": -1, "vote result g 7 wait x": -1, "vote call g wait timeout 50": -1,
	} {
		p := planOf(line)
		switch {
		case (p.Wait != nil) != (millis >= 0):
			t.Errorf("%s waits for %+v", line, p.Wait)
		case p.Wait != nil && (p.Wait.Millis != millis || p.Wait.Channel != "caucus:g:g" || p.Writes() || p.Local):
			t.Errorf("%s: %+v of %+v", line, p.Wait, p)
		}
	}
}

func TestB7_AnEmptyAnswerIsNone(t *testing.T) {
	p := planOf("group events g from 1 block 0")
	for _, c := range []struct {
		reply   caucus.Reply
		waiting bool
	}{
		{caucus.Array(), true}, {caucus.NilArray(), true}, {caucus.Nil(), true}, {caucus.Bulks("x"), false},
		{caucus.Fail(caucus.ErrNoGroup, "no"), false}, {caucus.Int(0), false},
	} {
		if got := p.Waiting([]entry.Result{{Reply: c.reply}}); got != c.waiting {
			t.Errorf("%+v: waiting is %v", c.reply, got)
		}
	}
	if planOf("group events g from 1").Waiting([]entry.Result{{Reply: caucus.Array()}}) {
		t.Error("what has no BLOCK waits")
	}
}

// Of what goes through a group, who waits reads anew only for what may end the wait: for events all that the
// log made, for a result what ends polls.
func TestB7_WhatMattersToWhoWaits(t *testing.T) {
	events, result := planOf("group events g from 1 block 0").Wait, planOf("vote result g 7 wait 0").Wait
	for _, c := range []struct {
		payload           string
		toEvents, toVoter bool
	}{
		{`{"event":"result","group":"g","life":1,"seq":3,"time":1,"poll":7}`, true, true},
		{`{"event":"deleted","group":"g","life":1,"seq":3,"time":1}`, true, true},
		{`{"event":"message","group":"g","life":1,"seq":3,"time":1,"payload":"x"}`, true, false},
		{`{"event":"message","group":"g","life":1,"n":3,"time":1,"payload":",\"seq\":3"}`, false, false},
	} {
		if e, v := events.Matters(c.payload), result.Matters(c.payload); e != c.toEvents || v != c.toVoter {
			t.Errorf("%s: %v and %v", c.payload, e, v)
		}
	}
}

// A session that was opened to wait is carried also when the wait was broken off, so that the connection's
// end is its end, and whoever asks again asks with it.
func TestB7_WhatWasOpenedToWaitIsCarried(t *testing.T) {
	s := newStage()
	p, _ := s.Plan([]caucus.Command{{"LOCK", "ACQUIRE", "l", "WAIT", "0"}})
	s.Opened(p, 5)
	s.Fail(p, caucus.Errorf(caucus.ErrUncertain, "broken off"))
	dropped, attach, ok := s.Dropped()
	if !ok || attach != 5 || dropped != p.Steps[0].Op.Fresh {
		t.Errorf("it carries %x under %d, not %x", dropped, attach, p.Steps[0].Op.Fresh)
	}
	p, _ = s.Plan([]caucus.Command{{"LOCK", "ACQUIRE", "l", "WAIT", "0"}})
	if op := p.Steps[0].Op; op.Session != dropped || op.Fresh != (entry.Session{}) {
		t.Errorf("it asks again as %+v", op)
	}
	detached := newStage(func(cfg *talk.Config) { cfg.Detached = "x" })
	p, _ = detached.Plan([]caucus.Command{{"LOCK", "ACQUIRE", "l", "WAIT", "0"}})
	if detached.Opened(p, 5); detached.Session() != "" {
		t.Error("a conversation without a connection carries a session")
	}
}

// Of a session that may have been opened, and whose id nobody was told, it is said how to end it (A4).
func TestA4_OrphansAreEnded(t *testing.T) {
	for _, line := range []string{"SESSION OPEN", "GROUP JOIN g", "LOCK ACQUIRE l", "LOCK ACQUIRE l WAIT 0"} {
		s := newStage()
		p, _ := s.Plan([]caucus.Command{strings.Fields(line)})
		id := p.Steps[0].Op.Fresh
		want := caucus.Command{"SESSION", "CLOSE", string(id[:])}
		if op, ok := s.Orphan(p); !ok || !slices.Equal(op.Args, want) {
			t.Errorf("%s: %q, %v", line, op.Args, ok)
		}
		s.Opened(p, 5) // it is known after all
		if _, ok := s.Orphan(p); ok {
			t.Errorf("%s: it is carried, and ended", line)
		}
		s.Fail(p, caucus.Errorf(caucus.ErrUncertain, "broken off"))
		p, _ = s.Plan([]caucus.Command{strings.Fields("GROUP JOIN g")})
		if _, ok := s.Orphan(p); ok {
			t.Errorf("%s: nothing was opened, and it is ended", line)
		}
	}
}

// When the group has ended meanwhile, its last events are told from what was heard: from FROM on, and none
// that would hide a gap.
func TestB7_RetellsWhatWasHeard(t *testing.T) {
	heard := []string{`{"event":"left","seq":7}`, `{"event":"deleted","seq":8}`, `{"event":"joined","seq":20}`,
		"x"}
	for line, want := range map[string]string{
		"from 7 block 0": "[7 8]", "from 8 block 0": "[8]", "from 7 count 1 block 0": "[7]",
		"from 6 block 0": "[]", "from 9 block 0": "[]", "from 20 block 0": "[20]",
	} {
		reply, ok := planOf("group events g " + line).Wait.Retell(heard)
		seqs := []int64{}
		for _, item := range reply.Items {
			seqs = append(seqs, item.Items[0].Int)
		}
		if got := fmt.Sprint(seqs); got != want || ok != (want != "[]") {
			t.Errorf("%s: %s, %v, want %s", line, got, ok, want)
		}
	}
}

// The result of a poll that ended with its group is told from what was heard, and of no other poll.
func TestB7_RetellsAResult(t *testing.T) {
	heard := []string{`{"event":"vote","seq":6,"poll":5,"electorate":3}`,
		`{"event":"result","seq":7,"poll":4,"outcome":"yes","yes":1,"no":0,"electorate":1}`,
		`{"event":"result","seq":8,"poll":5,"outcome":"no","yes":0,"no":1,"electorate":3}`, "x"}
	for line, want := range map[string]string{
		"5 wait 0": "[no 0 1 3]", "4 wait 9": "[yes 1 0 1]", "6 wait 0": "[]",
	} {
		reply, ok := planOf("vote result g " + line).Wait.Retell(heard)
		texts := []string{}
		for _, item := range reply.Items {
			texts = append(texts, item.Text())
		}
		if got := fmt.Sprint(texts); got != want || ok != (want != "[]") {
			t.Errorf("%s: %s, %v, want %s", line, got, ok, want)
		}
	}
}

// What takes elements and may wait is a plan of its own, which names its wait by the number that it is
// told; in a transaction it is a command like others (B7).
func TestB7_PopsWaitInLine(t *testing.T) {
	for line, millis := range map[string]int64{
		"BLPOP q 0": 0, "brpop p q 1.5": 1500, "BLMOVE p q LEFT LEFT 0.0001": 1, "BLMPOP 2 1 q LEFT": 2000,
		"BRPOPLPUSH p q x": 0, "BLPOP q -1": 0,
	} {
		p := planOf(line)
		if p.Wait == nil || !p.Wait.InLine() || p.Wait.Millis != millis || !p.Writes() || p.Soon() {
			t.Fatalf("%s: %+v of %+v", line, p.Wait, p)
		}
		if p.Waiting([]entry.Result{{Reply: caucus.Bulks("q", "x")}}) {
			t.Errorf("%s: it waits though it is served", line)
		}
		if !p.Waiting([]entry.Result{{Reply: caucus.Push(caucus.Int(0), caucus.Int(42))}}) ||
			strings.Join(p.Wait.Again[0].Op.Args, " ") != ".inpop 42" {
			t.Errorf("%s: it asks again by %q", line, p.Wait.Again[0].Op.Args)
		}
		if f := p.Wait.Forsake; f.Request != p.Steps[0].Op.Request || strings.Join(f.Args, " ") != ".quitpop" {
			t.Errorf("%s: it is forsaken by %+v", line, f)
		}
	}
	for _, line := range []string{"LMPOP 1 q LEFT", "LPOP q", "LMOVE p q LEFT LEFT"} {
		if planOf(line).Wait != nil {
			t.Errorf("%s waits", line)
		}
	}
}
