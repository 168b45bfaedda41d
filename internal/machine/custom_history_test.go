package machine

import (
	"slices"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
)

// What a failed command wrote is not in the history (SAFETY B7), views of before see theirs as it was, and no
// failure costs the history a piece.
func TestB7_FailedCustomCommandsAndTheHistory(t *testing.T) {
	m := New([16]byte{1}, 1)
	spec, err := command.Custom("app.fail", true, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	table, err := command.Extended([]command.Spec{spec})
	if err != nil {
		t.Fatal(err)
	}
	m.Know(table, []Custom{{Spec: spec, Run: func(tx *Tx, _ []string) caucus.Reply {
		for range 3 {
			tx.Do("SET", "undone", "x")
		}
		return caucus.Fail(caucus.ErrBad, "no")
	}}})
	do := func(words ...string) {
		m.write(m.call(&entry.Op{Args: words}))
	}
	read := func(s *state) (keys []string) {
		s.history.from(s.history.floor, func(c *keyChange) bool {
			keys = append(keys, c.key)
			return true
		})
		return keys
	}
	const times = 3 * pieceBytes / 4 // a change of k takes five bytes
	for i := range times {
		view, before := m.View(), []string(nil)
		if i%100 == 0 {
			before = read(view.state)
		}
		do("app.fail")
		do("SET", "k", "v")
		if i%100 == 0 && !slices.Equal(read(view.state), before) {
			t.Fatal("a view has changed")
		}
	}
	keys := read(&m.state)
	if len(keys) != times || slices.Contains(keys, "undone") {
		t.Errorf("%d changes are told", len(keys))
	}
	if n := len(m.history.full); n > 2*5*times/pieceBytes {
		t.Errorf("there are %d pieces", n)
	}
}
