package main

import (
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/client"
)

func TestLinesOfEventsForPeople(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.Local)
	ms := at.UnixMilli()
	for _, c := range []struct {
		e    client.Event
		want string
	}{
		{client.Event{Kind: "joined", Member: "m1", Node: "n2", Size: 1, Metadata: `{"a":1}`},
			`joined     m1 on n2, 1 member, metadata "{\"a\":1}"`},
		{client.Event{Kind: "left", Member: "m1", Reason: "lost", Size: 2}, "left       m1 (lost), 2 members"},
		{client.Event{Kind: "leader", Member: "m2", Previous: "m1", Term: 7, Reason: "resigned"},
			"leader     m2, after m1, term 7 (resigned)"},
		{client.Event{Kind: "leaderless", Previous: "m1", Term: 8, Reason: "min"},
			"leaderless after m1, term 8 (min)"},
		{client.Event{Kind: "settling", Size: 3, Settles: ms}, "settling   3 members, not before 05:06:07.890"},
		{client.Event{Kind: "settled", Epoch: 9, Total: 3}, "settled    work for 3, epoch 9"},
		{client.Event{Kind: "metadata", Member: "m1", Metadata: "\x1b[2J\u202e"},
			`metadata   m1 has "\x1b[2J\u202e"`},
		{client.Event{Kind: "slots", Member: "m1", Epoch: 9, Granted: "0-3", Revoking: "5"},
			"slots      m1, granted 0-3, asked for 5, epoch 9"},
		{client.Event{Kind: "vote", Poll: 4, Topic: "t", VoteKind: "majority", Caller: "m1", Electorate: 3,
			Deadline: ms}, `vote       poll 4 "t", by m1, majority of 3, until 05:06:07.890`},
		{client.Event{Kind: "result", Poll: 4, Topic: "t", Outcome: "yes", Yes: 2, No: 1, Electorate: 3, At: ms},
			`result     poll 4 "t", yes, 2 yes and 1 no of 3, to be done at 05:06:07.890`},
		{client.Event{Kind: "action", Poll: 4, Topic: "t", At: ms}, `action     poll 4 "t", its time has come`},
		{client.Event{Kind: "message", Sender: "m1", Payload: "a\nb"}, `message    m1 to all: "a\nb"`},
		{client.Event{Kind: "message", To: "m2", Payload: strings.Repeat("x", 1000)},
			`message    somebody to m2: "` + strings.Repeat("x", 300) + `"...`},
		{client.Event{Kind: "deleted"}, "deleted    the group has ended"},
		{client.Event{Kind: "gap", From: 3, Oldest: 9},
			"gap        events 3 to 8 are lost: they are kept no longer"},
		{client.Event{Kind: "gap", From: 3},
			"gap        events from 3 on are lost: the group has ended meanwhile"},
		{client.Event{Kind: "gap", From: 99, Oldest: 3},
			"gap        the ensemble was made anew; going on with event 3"},
		{client.Event{Kind: "new", Raw: `{"event":"new"}`}, `new        "{\"event\":\"new\"}"`},
	} {
		c.e.Time = ms
		if got := (&screen{}).event(c.e); got != "05:06:07.890  "+c.want {
			t.Errorf("%+v is told as\n%s, want\n%s", c.e, got, "05:06:07.890  "+c.want)
		}
		if got := (&screen{colour: true}).event(c.e); !strings.Contains(got, c.want[11:]) ||
			!strings.Contains(got, "\x1b[") {
			t.Errorf("in colours %+v is told as %q", c.e, got)
		}
	}
	got := (&screen{}).event(client.Event{Kind: "gap", From: 3})
	if !strings.HasPrefix(got, strings.Repeat(" ", 14)+"gap ") {
		t.Errorf("without a time: %q", got)
	}
}
