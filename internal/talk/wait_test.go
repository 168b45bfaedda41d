package talk_test

import (
	"fmt"
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
