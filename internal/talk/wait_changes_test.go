package talk_test

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/talk"
)

func change(revision int64, word, key string) caucus.Reply {
	return caucus.Array(caucus.Int(revision), caucus.Bulk(word), caucus.Bulk(key))
}

func results(r caucus.Reply) []entry.Result { return []entry.Result{{Reply: r}} }

func news(after, upTo uint64, keys ...string) string {
	n := talk.News{After: after, UpTo: upTo}
	for _, key := range keys {
		n.Add(key)
	}
	return n.Payload()
}

func vague(after, upTo uint64) string {
	return (&talk.News{After: after, UpTo: upTo, Vague: true}).Payload()
}

// What a CHANGES waits on, and what of it goes through the log: nothing.
func TestB7_ChangesWait(t *testing.T) {
	for line, millis := range map[string]int64{
		"changes from 1 block 0": 0, "CHANGES BLOCK 70 FROM $ MATCH block COUNT 2": 70, "changes from 1": -1,
		"changes from 1 block x": -1, "changes from 1 match block": -1,
	} {
		p := planOf(line)
		switch {
		case (p.Wait != nil) != (millis >= 0):
			t.Errorf("%s waits for %+v", line, p.Wait)
		case p.Wait != nil && (p.Wait.Millis != millis || p.Wait.Channel != talk.ChangesChannel || !p.Wait.Keys ||
			p.Writes() || p.Local):
			t.Errorf("%s: %+v of %+v", line, p.Wait, p)
		}
	}
}

// An answer without a change is none, also when it says where to go on.
func TestB7_AnAnswerWithoutAChangeIsNone(t *testing.T) {
	p := planOf("changes from 1 match a* block 0")
	for _, c := range []struct {
		reply   caucus.Reply
		waiting bool
	}{
		{caucus.Array(), true}, {caucus.Array(change(7, "", "")), true},
		{caucus.Array(change(7, "set", "")), false},
		{caucus.Array(change(7, "set", "a"), change(8, "", "")), false},
		{caucus.Fail(caucus.ErrGap, "8"), false},
	} {
		if got := p.Waiting(results(c.reply)); got != c.waiting {
			t.Errorf("%+v: waiting is %v", c.reply, got)
		}
	}
}

// Without MATCH every change matters that was not read yet; with it those of keys that match, of all keys,
// and what is not known: that somebody was not heard for a while.
func TestB7_WhatMattersToWhoWaitsForChanges(t *testing.T) {
	for _, c := range []struct {
		line, payload string
		first         caucus.Reply // what was read before
		matters       bool
	}{
		{"from 8 block 0", news(7, 8, "x"), caucus.Array(), true},
		{"from 8 block 0", news(5, 7, "x"), caucus.Array(), false},
		{"from 8 block 0", vague(7, 9), caucus.Array(), true},
		{"from $ block 0", news(19, 20, "x"), caucus.Array(change(20, "", "")), false},
		{"from $ block 0", news(20, 21, "x"), caucus.Array(change(20, "", "")), true},
		{"from 8 match a* block 0", news(20, 21, "x", "y"), caucus.Array(change(20, "", "")), false},
		{"from 8 match a* block 0", news(20, 21, "x", "ab"), caucus.Array(change(20, "", "")), true},
		{"from 8 match a* block 0", news(19, 20, "ab"), caucus.Array(change(20, "", "")), false},
		{"from 8 match a* block 0", news(21, 22, "x"), caucus.Array(change(20, "", "")), true},
		{"from 8 match a* block 0", vague(20, 21), caucus.Array(change(20, "", "")), true},
		{"match b* from 8 match a* block 0", news(20, 21, "b"), caucus.Array(change(20, "", "")), false},
		{"from 8 match a* block 0", news(20, 21, "x") + "\x05", caucus.Array(change(20, "", "")), true},
	} {
		p := planOf("changes " + c.line)
		p.Waiting(results(c.first))
		if got := p.Wait.Matters(c.payload); got != c.matters {
			t.Errorf("%s, %q: %v", c.line, c.payload, got)
		}
	}
}

// Who waits for keys that change seldom reads anew behind what was told, however much that was, and is
// answered up to where there is nothing when the time is over.
func TestB7_WhoWaitsForChangesGoesOnBehindWhatHeHeard(t *testing.T) {
	s := newStage()
	p, _ := s.Plan([]caucus.Command{{"CHANGES", "FROM", "8", "MATCH", "a*", "BLOCK", "50"}})
	p.Waiting(results(caucus.Array(change(20, "", ""))))
	for i := range uint64(1000) {
		if p.Wait.Matters(news(20+i, 21+i, "x")) {
			t.Fatalf("%d matters", i)
		}
	}
	if got := fmt.Sprint(p.Anew()[0].Op.Args); got != "[CHANGES FROM 1021 MATCH a* BLOCK 50]" {
		t.Errorf("it reads %s", got)
	}
	for _, read := range []caucus.Reply{caucus.Array(change(20, "", "")), caucus.Array()} {
		if got := fmt.Sprint(s.Finish(p, results(read))[0]); got != fmt.Sprint(caucus.Array(change(1020, "", ""))) {
			t.Errorf("at last: %s", got)
		}
	}
	told := caucus.Array(change(1021, "set", "ab"))
	if got := fmt.Sprint(s.Finish(p, results(told))[0]); got != fmt.Sprint(told) {
		t.Errorf("told: %s", got)
	}
	if got := fmt.Sprint(p.Steps[0].Op.Args); got != "[CHANGES FROM 8 MATCH a* BLOCK 50]" {
		t.Errorf("what was asked has become %s", got)
	}
}

// Without MATCH or $ an answer without a change is empty.
func TestB7_AnEmptyAnswerStaysEmpty(t *testing.T) {
	s := newStage()
	p, _ := s.Plan([]caucus.Command{{"CHANGES", "FROM", "8", "BLOCK", "50"}})
	p.Waiting(results(caucus.Array()))
	if got := s.Finish(p, results(caucus.Array()))[0]; len(got.Items) != 0 {
		t.Errorf("got %v", got)
	}
	if got := fmt.Sprint(p.Anew()[0].Op.Args); got != "[CHANGES FROM 8 BLOCK 50]" {
		t.Errorf("it reads %s", got)
	}
}

// Many keys are not named one by one.
func TestNewsOfManyKeysAreVague(t *testing.T) {
	n := talk.News{After: 1, UpTo: 1_000_000}
	for n.Add("a key of some length") {
		if len(n.Payload()) > 100_000 {
			t.Fatal("it names them all")
		}
	}
	if n.Add("x") || n.None() || len(n.Payload()) > 10 {
		t.Errorf("%+v", n)
	}
}
