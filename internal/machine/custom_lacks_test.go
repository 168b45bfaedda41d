package machine_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// An entry with a command that this node lacks, or has otherwise, is not applied, also not in part: with the
// command it is, as if it came for the first time.
func TestEntryWithALackingCommand(t *testing.T) {
	set := made("app.set", true, setTwo, 1, 2)
	none := func(*machine.Tx, []string) caucus.Reply { return caucus.OK() }
	for _, c := range []struct {
		name string
		have []machine.Custom
		op   entry.Op
		want string
	}{
		{"lacks it", nil, entry.Op{Args: caucus.Command{"App.Set", "1"}},
			"the command 'app.set' is not registered here"},
		{"lacks it in a transaction", nil, entry.Op{Args: caucus.Command{"EXEC"},
			Queue: []caucus.Command{{"SET", "x", "y"}, {"app.set", "1"}}},
			"the command 'app.set' is not registered here"},
		{"has it as a read", []machine.Custom{made("app.set", false, none)},
			entry.Op{Args: caucus.Command{"app.set", "1"}}, "registered here as one that reads"},
		{"has it as a read, in a transaction", []machine.Custom{made("app.set", false, none)},
			entry.Op{Args: caucus.Command{"EXEC"}, Queue: []caucus.Command{{"GET", "x"}, {"app.set", "1"}}},
			"registered here as one that reads"},
		{"takes fewer arguments", []machine.Custom{made("app.set", true, none, 0, 0)},
			entry.Op{Args: caucus.Command{"app.set", "1"}}, "'app.set' does not take 1 arguments here"},
		{"takes more", []machine.Custom{made("app.set", true, none, 2, -1)},
			entry.Op{Args: caucus.Command{"app.set", "1"}}, "'app.set' does not take 1 arguments here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := knowing(t, c.have...)
			before, _ := b.m.View().Digest()
			first := entry.Op{Args: caucus.Command{"SET", "first", "1"}}
			e := &entry.Entry{Level: 1, Term: bareTerm, Stamp: (epoch0 + 10_000) * 1000, Batches: []entry.Batch{
				{Node: 1, Boot: entry.Boot{1}, Number: b.number + 1, Ops: []entry.Op{first, c.op}}}}
			_, err := b.m.Apply(b.index+1, bareTerm, e, steps{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "entry ") ||
				!strings.Contains(err.Error(), "register it") {
				t.Errorf("it says %v", err)
			}
			if after, _ := b.m.View().Digest(); after != before {
				t.Error("part of it was applied")
			}
			b.know(set)
			if _, err := b.m.Apply(b.index+1, bareTerm, e, steps{}); err != nil {
				t.Error(err)
			}
			if got := b.read(false, "MGET", "first", "two"); got.Items[0].Str != "1" || got.Items[1].Str != "1" {
				t.Errorf("with the command the state has %+v", got)
			}
		})
	}
}
