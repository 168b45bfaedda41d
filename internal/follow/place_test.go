package follow_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/follow"
)

// told is an event as the ensemble publishes it.
func told(event string, life, seq uint64) string {
	return fmt.Sprintf(`{"event":%q,"group":"g","life":%d,"seq":%d,"time":1}`, event, life, seq)
}

func infoOf(life, seq, oldest uint64) caucus.Reply {
	field := func(name string, n uint64) []caucus.Reply {
		return []caucus.Reply{caucus.Bulk(name), caucus.Int(int64(n))}
	}
	return caucus.Map(slices.Concat([]caucus.Reply{caucus.Bulk("leader"), caucus.Nil(), caucus.Bulk("state"),
		caucus.Bulk("settled")}, field("seq", seq), field("oldest", oldest), field("life", life))...)
}

func eventsOf(payloads ...string) caucus.Reply {
	var items []caucus.Reply
	for _, p := range payloads {
		items = append(items, caucus.Array(caucus.Int(0), caucus.Bulk(p)))
	}
	return caucus.Array(items...)
}

var (
	noGroup = caucus.Fail(caucus.ErrNoGroup, "no group 'g'")
	gapped  = caucus.Fail(caucus.ErrGap, "9 is the oldest")
)

// script plays a conversation: what is expected to be asked, and answered; what is heard; and what comes of
// it, events as their kind and seq, gaps as they are written.
type script struct {
	t *testing.T
	p *follow.Place
}

func (s script) answer(asks string, r caucus.Reply, want ...string) {
	s.t.Helper()
	cmd, ok := s.p.Ask()
	if got := fmt.Sprint(cmd); !ok || got != "["+asks+"]" {
		s.t.Fatalf("asks %v (%v), not %s", got, ok, asks)
	}
	out, err := s.p.Answered(r)
	s.expect(out, err, want)
}

func (s script) hear(payload string, want ...string) {
	s.t.Helper()
	if cmd, ok := s.p.Ask(); ok {
		s.t.Fatalf("asks %v before it hears anything", cmd)
	}
	out, err := s.p.Heard(payload)
	s.expect(out, err, want)
}

func (s script) expect(out []follow.Event, err error, want []string) {
	s.t.Helper()
	var got []string
	for _, e := range out {
		if e.Kind == follow.GapKind {
			got = append(got, fmt.Sprint(e.Seq, " ", e.JSON))
		} else {
			got = append(got, fmt.Sprint(e.Kind, " ", e.Seq))
		}
		if !json.Valid([]byte(e.JSON)) {
			s.t.Errorf("no JSON: %s", e.JSON)
		}
	}
	if err != nil || !slices.Equal(got, want) {
		s.t.Fatalf("hands out %q (%v), want %q", got, err, want)
	}
}

const (
	askInfo   = "GROUP INFO g"
	askEvents = "GROUP EVENTS g FROM "
)

func TestFromNowOn(t *testing.T) {
	s := script{t, follow.Now("g")}
	s.answer(askInfo, infoOf(3, 7, 4))
	s.hear(told("joined", 3, 7)) // the answer was newer
	s.hear(told("left", 3, 8), "left 8")
	s.hear(`{"event":"message","group":"g","life":3,"time":1,"n":1}`, "message 0")
	s.hear(told("left", 3, 8))
	s.p.Lost()
	s.answer(askInfo, infoOf(3, 10, 4))
	s.answer(askEvents+"9", eventsOf(told("joined", 3, 9), told("joined", 3, 10)), "joined 9", "joined 10")
	s.hear(told("joined", 3, 10))
	s.hear(told("joined", 3, 11), "joined 11")
	s.p.Lost()
	s.answer(askInfo, infoOf(3, 11, 4)) // nothing was missed
	s.hear(told("left", 3, 12), "left 12")
}

// What a node skipped, since a snapshot replaced its state, is read before what follows is handed out.
func TestAHoleInWhatIsHeardIsFilled(t *testing.T) {
	s := script{t, follow.Now("g")}
	s.answer(askInfo, infoOf(3, 7, 4))
	s.hear(told("left", 3, 10))
	s.answer(askInfo, infoOf(3, 10, 4))
	s.answer(askEvents+"8", gapped) // it was let go of meanwhile
	s.answer(askInfo, infoOf(3, 12, 10),
		`9 {"event":"gap","group":"g","from":8,"oldest":10,"info":`+
			`{"leader":null,"state":"settled","seq":12,"oldest":10,"life":3}}`)
	s.answer(askEvents+"10", eventsOf(told("left", 3, 10), told("left", 3, 11), told("left", 3, 12)),
		"left 10", "left 11", "left 12")
	s.hear(told("left", 3, 11))
	s.hear(told("left", 3, 13), "left 13")
}

func TestAGroupThatIsNotThereIsWaitedFor(t *testing.T) {
	for _, p := range []*follow.Place{follow.Now("g"), follow.From("g", 0), follow.From("g", 1)} {
		s := script{t, p}
		s.answer(askInfo, noGroup)
		s.p.Lost()
		s.answer(askInfo, noGroup)
		s.hear(told("joined", 4, 5), "joined 5")
		s.hear(told("left", 4, 6), "left 6")
		s.hear(told("deleted", 4, 7), "deleted 7")
		s.hear(told("joined", 9, 10), "joined 10")
		s.hear(told("deleted", 9, 11), "deleted 11")
		s.p.Lost()
		s.answer(askInfo, infoOf(20, 22, 21)) // all of the new life is kept
		s.answer(askEvents+"21", eventsOf(told("joined", 20, 21), told("left", 20, 22)), "joined 21", "left 22")
	}
}

func TestFromASeq(t *testing.T) {
	s := script{t, follow.From("g", 6)}
	s.answer(askInfo, infoOf(3, 7, 4))
	s.answer(askEvents+"6", eventsOf(told("joined", 3, 6), told("joined", 3, 7)), "joined 6", "joined 7")

	s = script{t, follow.From("g", 1)} // of a life whose beginning is gone
	s.answer(askInfo, infoOf(3, 7, 6),
		`5 {"event":"gap","group":"g","from":1,"oldest":6,"info":`+
			`{"leader":null,"state":"settled","seq":7,"oldest":6,"life":3}}`)
	s.answer(askEvents+"6", eventsOf(told("joined", 3, 6), told("joined", 3, 7)), "joined 6", "joined 7")
}

// The end of a life that was not read cannot be read any more, and is said to be missing.
func TestA16_LifeThatEndedUnread(t *testing.T) {
	lost := `0 {"event":"gap","group":"g","from":8,"oldest":null,"info":null}`
	s := script{t, follow.Now("g")}
	s.answer(askInfo, infoOf(3, 7, 4))
	s.p.Lost()
	s.answer(askInfo, noGroup, lost)
	s.hear(told("joined", 9, 10), "joined 10")

	s = script{t, follow.Now("g")} // and another has begun
	s.answer(askInfo, infoOf(3, 7, 4))
	s.p.Lost()
	s.answer(askInfo, infoOf(9, 10, 10),
		`9 {"event":"gap","group":"g","from":8,"oldest":10,"info":`+
			`{"leader":null,"state":"settled","seq":10,"oldest":10,"life":9}}`)
	s.answer(askEvents+"10", eventsOf(told("joined", 9, 10)), "joined 10")

	s = script{t, follow.Now("g")} // between the two questions
	s.answer(askInfo, infoOf(3, 7, 4))
	s.p.Lost()
	s.answer(askInfo, infoOf(3, 8, 4))
	s.answer(askEvents+"8", noGroup, lost)

	s = script{t, follow.Now("g")} // and what was heard of it stands behind the hole
	s.answer(askInfo, infoOf(3, 7, 4))
	s.hear(told("left", 3, 10))
	s.answer(askInfo, noGroup, `9 {"event":"gap","group":"g","from":8,"oldest":10,"info":null}`, "left 10")
	s.hear(told("deleted", 3, 11), "deleted 11")
	s.hear(told("left", 15, 17)) // of the next life the beginning was skipped
	s.answer(askInfo, noGroup, `16 {"event":"gap","group":"g","from":12,"oldest":17,"info":null}`, "left 17")
}

// An ensemble whose data are gone begins its numbers anew: its readers are not to wait until the old ones
// come.
func TestAnEnsembleThatWasMadeAnewIsNoticed(t *testing.T) {
	s := script{t, follow.From("g", 5000)}
	s.answer(askInfo, infoOf(3, 7, 4),
		`3 {"event":"gap","group":"g","from":5000,"oldest":4,"info":`+
			`{"leader":null,"state":"settled","seq":7,"oldest":4,"life":3}}`)
	s.answer(askEvents+"4", eventsOf(told("left", 3, 4), told("left", 3, 5), told("left", 3, 6),
		told("left", 3, 7)), "left 4", "left 5", "left 6", "left 7")

	s = script{t, follow.From("g", 5000)}
	s.answer(askInfo, noGroup, `0 {"event":"gap","group":"g","from":5000,"oldest":null,"info":null}`)
	s.hear(told("joined", 3, 4))
	s.answer(askInfo, infoOf(3, 5, 4))
	s.answer(askEvents+"4", eventsOf(told("joined", 3, 4), told("left", 3, 5)), "joined 4", "left 5")
	s.hear(told("deleted", 3, 6), "deleted 6")
	s.hear(told("left", 3, 5)) // a node that lags repeats what it has not said yet
	s.answer(askInfo, noGroup)
}

func TestWhatCannotBeReadIsAnErrorAndAskedAgain(t *testing.T) {
	p := follow.From("g", 6)
	for _, r := range []caucus.Reply{caucus.Fail(caucus.ErrTryAgain, "no leader"), caucus.OK(),
		infoOf(0, 7, 4), caucus.Map(caucus.Bulk("life"))} {
		if out, err := p.Answered(r); err == nil || out != nil {
			t.Errorf("%v: %v, %v", r, out, err)
		}
	}
	s := script{t, p}
	s.answer(askInfo, infoOf(3, 7, 4))
	for _, r := range []caucus.Reply{caucus.Fail(caucus.ErrLoading, "soon"), caucus.Array(caucus.OK()),
		eventsOf("none")} {
		if _, err := p.Answered(r); err == nil {
			t.Errorf("%v is taken", r)
		}
	}
	s.answer(askEvents+"6", eventsOf(told("joined", 3, 6), told("left", 3, 7)), "joined 6", "left 7")
	for _, payload := range []string{"", "[]", "{", `{"seq":-1}`, `{"seq":"7"}`} {
		if out, err := p.Heard(payload); err == nil {
			t.Errorf("%q is %v", payload, out)
		}
	}
}
