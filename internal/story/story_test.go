package story_test

import (
	"slices"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/story"
)

func TestPrintShowsRepliesAsRedisCliDoes(t *testing.T) {
	r := caucus.Array(caucus.Int(1), caucus.Bulk("a b"), caucus.Nil(), caucus.Array(),
		caucus.Array(caucus.OK(), caucus.NilArray()),
		caucus.Map(caucus.Bulk("name"), caucus.Bulk("x"), caucus.Bulk("size"), caucus.Int(2)),
		caucus.Fail(caucus.ErrNoGroup, "there is no group 'x'"))
	want := []string{
		`1) (integer) 1`,
		`2) "a b"`,
		`3) (nil)`,
		`4) (empty array)`,
		`5) 1) OK`,
		`   2) (nil)`,
		`6) name="x" size=2`,
		`7) (error) NOGROUP there is no group 'x'`,
	}
	if got := story.Print(r); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// echo is a stage on which time is the only thing that happens.
type echo struct {
	now    int64
	events []entry.Event
	waits  caucus.Command
}

func (e *echo) Do(client string, cmd caucus.Command) caucus.Reply {
	switch cmd[0] {
	case "SESSION":
		return caucus.Bulk("id-of-" + client)
	case "TELL":
		e.events = append(e.events, entry.Event{JSON: cmd[1]})
		return caucus.OK()
	}
	return caucus.Array(caucus.Int(e.now), caucus.Bulks(cmd...))
}

func (e *echo) Wait(client string, cmd caucus.Command) { e.waits = append(cmd, client) }

func (e *echo) Hear(string) caucus.Reply { return caucus.Bulks(e.waits...) }

func (e *echo) HangUp(string)    {}
func (e *echo) Advance(to int64) { e.now = to }

func (e *echo) Events() []entry.Event {
	all := e.events
	e.events = nil
	return all
}

func TestRunPlaysLinesInOrder(t *testing.T) { story.Run(t, "testdata/echo.txt", &echo{}) }
