package replica_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/machine"
)

// teach registers a command at some nodes, as one that writes or one that reads.
func (w *trio) teach(name string, writes bool, nodes ...*seat) {
	w.t.Helper()
	spec, err := command.Custom(name, writes, 0, -1)
	if err != nil {
		w.t.Fatal(err)
	}
	table, err := command.Extended([]command.Spec{spec})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range nodes {
		s.r.State().Know(table, []machine.Custom{{Spec: spec,
			Run: func(tx *machine.Tx, _ []string) caucus.Reply { return tx.Do("INCR", "n") }}})
	}
}

// A leader does not let into the log what it cannot carry out itself. The rest of a batch goes on in its
// places, and no node stops.
func TestLeaderRefusesWhatItLacks(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	asks := w.others(lead)[0]
	w.teach("app.count", true, w.others(lead)...)
	b := write("SET", "a", "1")
	b.Steps = append(b.Steps, write("app.count").Steps...)
	b.Steps = append(b.Steps, write("INCR", "a").Steps...)
	w.must(w.ask(asks, b))
	answer, _ := w.answer(b)
	if got := answer.Results[1].Reply.Str; !strings.HasPrefix(got, "ERR refused by node 'n") ||
		!strings.Contains(got, "'app.count' is not registered here") {
		t.Errorf("it is answered %q", got)
	}
	if answer.Results[0].Reply.Str != "OK" || answer.Results[2].Reply.Int != 2 {
		t.Errorf("the others are answered %+v", answer.Results)
	}
	w.teach("app.count", false, lead)
	again := w.ask(asks, write("app.count"))
	w.must(again)
	if answer, _ = w.answer(again); !strings.Contains(answer.Results[0].Reply.Str, "as one that reads") {
		t.Errorf("it is answered %+v", answer.Results)
	}
	w.teach("app.count", true, lead)
	again = w.ask(asks, write("app.count"))
	w.must(again)
	if answer, _ = w.answer(again); answer.Results[0].Reply.Int != 1 {
		t.Errorf("with the command it is answered %+v", answer.Results)
	}
}
