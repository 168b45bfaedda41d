package follow_test

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/follow"
)

func change(revision int64, command, key string) caucus.Reply {
	return caucus.Array(caucus.Int(revision), caucus.Bulk(command), caucus.Bulk(key))
}

// A reader goes on behind the last revision that it was answered, whether that is of a change or not.
func TestChangesGoOnBehindWhatWasAnswered(t *testing.T) {
	c := follow.ChangesNow("a*")
	for _, step := range []struct {
		ask    string
		answer caucus.Reply
		out    string
	}{
		{"[CHANGES FROM $ MATCH a*]", caucus.Array(change(7, "", "")), "[]"},
		{"[CHANGES FROM 8 COUNT 5 MATCH a* BLOCK 50]", caucus.Array(change(9, "set", "a"), change(12, "del", "a")),
			"[{9 set a 0 0} {12 del a 0 0}]"},
		{"[CHANGES FROM 13 COUNT 5 MATCH a* BLOCK 50]", caucus.Array(change(20, "", "")), "[]"},
		{"[CHANGES FROM 21 COUNT 5 MATCH a* BLOCK 50]", caucus.Array(), "[]"},
		{"[CHANGES FROM 21 COUNT 5 MATCH a* BLOCK 50]", caucus.Fail(caucus.ErrGap, "90 is the oldest"),
			"[{89 gap  21 90}]"},
		{"[CHANGES FROM 90 COUNT 5 MATCH a* BLOCK 50]", caucus.Fail(caucus.ErrGap, "0 is the oldest"),
			"[{0 gap  90 0}]"},
		{"[CHANGES FROM 1 COUNT 5 MATCH a* BLOCK 50]", caucus.Array(change(1, "flushall", "")),
			"[{1 flushall  0 0}]"},
	} {
		if got := fmt.Sprint(c.Ask(5, 50)); got != step.ask {
			t.Errorf("it asks %s, want %s", got, step.ask)
		}
		out, err := c.Answered(step.answer)
		if got := fmt.Sprint(out); got != step.out || err != nil {
			t.Errorf("after %s: %s, %v, want %s", step.ask, got, err, step.out)
		}
	}
	if got := fmt.Sprint(follow.ChangesFrom("", 0).Ask(1, 0), follow.ChangesFrom("", 9).Ask(1, 0)); got !=
		"[CHANGES FROM 1 COUNT 1] [CHANGES FROM 9 COUNT 1]" {
		t.Errorf("it begins with %s", got)
	}
}

// What cannot be an answer is an error, and so is every refusal but that of a gap.
func TestChangesThatAreNone(t *testing.T) {
	for _, r := range []caucus.Reply{
		caucus.Array(), caucus.Int(1), caucus.Array(caucus.Bulk("x")), caucus.Array(caucus.Bulks("1", "set", "a")),
		caucus.Fail(caucus.ErrTryAgain, "later"), caucus.Fail(caucus.ErrGap, ""), caucus.Fail(caucus.ErrGap, "x"),
	} {
		if out, err := follow.ChangesNow("").Answered(r); err == nil || len(out) > 0 {
			t.Errorf("%v: %v", r, out)
		}
	}
}
