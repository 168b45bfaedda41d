package machine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
)

// call calls a poll of group g and gives its id.
func (b *bare) call(options string) int64 {
	b.t.Helper()
	r := b.do("a", strings.TrimSpace("VOTE CALL g what "+options))
	if r.Kind != caucus.KindInt {
		b.t.Fatalf("the call is answered %+v", r)
	}
	return r.Int
}

func (b *bare) result(poll int64) string {
	r := b.Do("a", caucus.Command{"VOTE", "RESULT", "g", fmt.Sprint(poll)})
	if r.Kind == caucus.KindError {
		return caucus.ParseError(r.Str).Word
	}
	return fmt.Sprint(r.IsNil(), len(r.Items))
}

const (
	stillOpen = "true 0"
	hasEnded  = "false 4"
)

// Results can be read for ten minutes after the poll has ended, those of an action after its time, and then
// nothing is left of them.
func TestB6_ResultsStayForTenMinutes(t *testing.T) {
	const minute = 60_000
	b := newBare(t)
	b.do("a", "SESSION OPEN TTL 86400000")
	b.do("a", "GROUP JOIN g AS a SETTLE 0")
	vote := b.call("")
	action := b.call(fmt.Sprintf("AT %d", epoch0+30*minute))
	b.do("a", fmt.Sprintf("VOTE CAST g %d YES", action))
	for _, c := range []struct {
		at           int64
		vote, action string
	}{
		{0, stillOpen, hasEnded}, {1499, stillOpen, hasEnded}, {1500, hasEnded, hasEnded},
		{1499 + 10*minute, hasEnded, hasEnded}, {1500 + 10*minute, "NOPOLL", hasEnded},
		{40*minute - 1, "NOPOLL", hasEnded}, {40 * minute, "NOPOLL", "NOPOLL"},
	} {
		b.Advance(c.at)
		if v, a := b.result(vote), b.result(action); v != c.vote || a != c.action {
			t.Errorf("after %d ms: %s and %s, want %s and %s", c.at, v, a, c.vote, c.action)
		}
	}
	if stamp, ok := b.m.NextDeadline(); ok {
		t.Errorf("something is still to come, at %d", stamp)
	}
}

// There is a bound on the polls of a group. What is over makes room, the oldest first; what is not stays, and
// then the call fails and changes nothing.
func TestPollsAreBounded(t *testing.T) {
	b := newBare(t)
	b.do("a", "GROUP JOIN g AS a SETTLE 0")
	first := b.call("TIMEOUT 1000000")
	second := b.call("TIMEOUT 1000000")
	b.do("a", fmt.Sprintf("VOTE CAST g %d NO", second))
	third := b.call(fmt.Sprintf("AT %d", epoch0+1000))
	b.do("a", fmt.Sprintf("VOTE CAST g %d YES", third))
	for range 1022 {
		b.call("TIMEOUT 1000000")
	}
	if got := b.result(first) + b.result(second) + b.result(third); got != stillOpen+"NOPOLL"+hasEnded {
		t.Errorf("got %s: the second is over, and nothing else", got)
	}
	before := b.m.SavedGroups()
	r := b.Do("a", caucus.Command{"VOTE", "CALL", "g", "what"})
	const refusal = "ERR group 'g' has 1024 polls under way; 1024 may be, of 8 MiB together, which no setting " +
		"changes: wait for one to end, or vote in another group"
	if r.Str != refusal || b.m.SavedGroups() != before {
		t.Errorf("one too many is answered %q", r.Str)
	}
	b.Advance(1000) // the time of the action has come, so it is over
	b.call("TIMEOUT 1000000")
	if got := b.result(third); got != "NOPOLL" {
		t.Errorf("the action is %s", got)
	}
}

// Long topics and many members count as well.
func TestPollsAreBoundedByWeight(t *testing.T) {
	b := newBare(t)
	b.do("a", "GROUP JOIN g AS a SETTLE 0")
	long := strings.Repeat("x", caucus.MaxMetadata)
	call := func(topic string) caucus.Reply { return b.Do("a", caucus.Command{"VOTE", "CALL", "g", topic}) }
	if r := call(long + "x"); !strings.HasPrefix(r.Str, "ERR a topic may have 65536 bytes, not 65537") {
		t.Errorf("too long a topic is answered %q", r.Str)
	}
	for i := range 200 {
		if r := call(long); r.Kind == caucus.KindError {
			if i != 8<<20/(caucus.MaxMetadata+16) {
				t.Errorf("%d long ones, then %q", i, r.Str)
			}
			return
		}
	}
	t.Error("there is no bound")
}

func TestB15_ActionsLieAhead(t *testing.T) {
	b := newBare(t)
	b.do("a", "GROUP JOIN g AS a SETTLE 0")
	for _, at := range []int64{-1, 0, 1, epoch0, epoch0 + 366*86_400_000 + 1} {
		r := b.Do("a", caucus.Command{"VOTE", "CALL", "g", "x", "AT", fmt.Sprint(at)})
		if !strings.HasPrefix(r.Str, "ERR AT must lie ahead") {
			t.Errorf("AT %d is answered %+v", at, r)
		}
	}
	b.call(fmt.Sprintf("AT %d", epoch0+1))
	b.call(fmt.Sprintf("AT %d", epoch0+366*86_400_000))
}
