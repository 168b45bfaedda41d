package machine

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/command"
)

// Every row that is the machine's has one handler of its kind, and every handler is of a row.
func TestEveryRowHasItsHandler(t *testing.T) {
	m := New([16]byte{}, 0)
	rows := map[string]bool{}
	for _, spec := range m.table.All() {
		if spec.Home != command.Machine {
			continue
		}
		rows[spec.Name] = true
		by := m.handler(spec)
		writes, reads := by.write != nil, by.read != nil
		if writes != spec.Writes() || reads == spec.Writes() {
			t.Errorf("%s: it writes: %v; handled as a write: %v, as a read: %v",
				spec.Name, spec.Writes(), writes, reads)
		}
	}
	check := func(name string) {
		if !rows[name] && !strings.HasPrefix(name, ".") {
			t.Errorf("%s has a handler and no row", name)
		}
	}
	for name := range m.writes {
		check(name)
	}
	for name := range m.reads {
		check(name)
	}
}

// Every key that a row names is an argument that there is.
func TestRowsNameTheirKeys(t *testing.T) {
	for _, spec := range command.New().All() {
		if spec.Group != "string" && spec.Group != "generic" {
			continue
		}
		if spec.First != 0 && (spec.Step < 1 || spec.First >= max(spec.Arity, -spec.Arity)) {
			t.Errorf("%s: arity %d, keys %d %d %d", spec.Name, spec.Arity, spec.First, spec.Last, spec.Step)
		}
	}
}
