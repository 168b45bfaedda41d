package follow_test

import (
	"encoding/json"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/follow"
	"pgregory.net/rapid"
)

// world is an ensemble with one group whose lives come and go, and one reader who listens at a node that lags
// behind, skips what snapshots replace, and dies.
type world struct {
	log     []entry
	life    uint64
	seq     uint64 // the newest of all lives
	exists  bool
	kept    int // events that can be read again, of this life
	heard   int // how far the node that is listened to has come
	counter uint64
	early   bool // the group was said to have ended before the node has told of that: its last events come late
}

type entry struct {
	life, seq uint64
	json      string
	last      bool // of its life
}

func (w *world) tell(event string) {
	if !w.exists {
		w.counter = max(w.counter, w.seq) + 1
		w.exists, w.life, w.seq, w.kept = true, w.counter, w.counter, 0
	}
	w.seq++
	w.kept++
	w.log = append(w.log, entry{w.life, w.seq, told(event, w.life, w.seq), event == "deleted"})
	if event == "deleted" {
		w.exists = false
	}
}

func (w *world) answer(cmd caucus.Command) caucus.Reply {
	oldest := w.seq + 1 - uint64(w.kept)
	switch {
	case !w.exists:
		w.early = w.early || w.heard < len(w.log)
		return noGroup
	case cmd[1] == "INFO":
		return infoOf(w.life, w.seq, oldest)
	}
	var from uint64
	_ = json.Unmarshal([]byte(cmd[4]), &from) // what is no number is too old
	if from < oldest {
		return gapped
	}
	var payloads []string
	for _, e := range w.log[len(w.log)-w.kept:] {
		if e.seq >= from {
			payloads = append(payloads, e.json)
		}
	}
	return eventsOf(payloads...)
}

// judge looks at what was handed out: all in order, once, and where something is missing there is a gap, and
// only there.
func (w *world) judge(t *rapid.T, out []follow.Event, from int) {
	gap := false
	for _, e := range out {
		if e.Kind == follow.GapKind {
			gap = true
			continue
		}
		at := from
		for at < len(w.log) && w.log[at].json != e.JSON {
			at++
		}
		switch {
		case at == len(w.log):
			t.Fatalf("%s was handed out twice, out of order, or never told", e.JSON)
		case at > from && !gap && !w.whole(from, at):
			t.Fatalf("%s misses %d events before it, unsaid", e.JSON, at-from)
		case at == from && gap && !w.early:
			t.Fatalf("a gap before %s, where nothing is missing", e.JSON)
		}
		from, gap = at+1, false
	}
}

// whole says whether what lies between is whole lives: nobody who sees the group only now and then can know
// of those.
func (w *world) whole(from, to int) bool {
	begins := from == 0 || w.log[from-1].last
	return begins && w.log[to-1].last
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{counter: rapid.Uint64Range(0, 5).Draw(t, "counter")}
		p := follow.Now("g")
		var out []follow.Event
		take := func(more []follow.Event, err error) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, more...)
		}
		begun := -1
		t.Repeat(map[string]func(*rapid.T){
			"tell": func(t *rapid.T) {
				w.tell(rapid.SampledFrom([]string{"joined", "left", "settled", "deleted"}).Draw(t, "event"))
			},
			"forget": func(t *rapid.T) { w.kept = min(w.kept, rapid.IntRange(0, 3).Draw(t, "kept")) },
			"node dies": func(t *rapid.T) {
				p.Lost()
				w.heard = rapid.IntRange(max(0, begun), len(w.log)).Draw(t, "the next has come to")
			},
			"snapshot": func(t *rapid.T) { w.heard = rapid.IntRange(w.heard, len(w.log)).Draw(t, "skips to") },
			"read": func(t *rapid.T) {
				cmd, ok := p.Ask()
				if !ok {
					t.Skip("nothing to ask")
				}
				if begun < 0 {
					begun = len(w.log)
					w.heard = max(w.heard, begun)
				}
				take(p.Answered(w.answer(cmd)))
			},
			"hear": func(t *rapid.T) {
				if _, ok := p.Ask(); ok || w.heard == len(w.log) {
					t.Skip("nothing to hear")
				}
				take(p.Heard(w.log[w.heard].json))
				w.heard++
			},
			"": func(t *rapid.T) {
				if begun >= 0 {
					w.judge(t, out, begun)
				}
			},
		})
		for cmd, ok := p.Ask(); ok; cmd, ok = p.Ask() {
			take(p.Answered(w.answer(cmd)))
		}
		w.judge(t, out, max(begun, 0))
	})
}
