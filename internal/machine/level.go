package machine

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// The feature level is part of the state, so at one entry it is the same on every node, whatever their
// versions. What changed asks for it: `if m.level >= 2`, a row in formats (save.go). It rises by an entry,
// once every node in the table supports it, and never falls (SAFETY B20).

// Next is the feature level after the present one, which no version supports yet. Its state has one thing
// more: how many entries were applied at it. With it package sim runs ensembles of two versions, so the
// way over is known to be good before it is needed.
const Next = entry.Level + 1

// ErrNewer is what an error wraps when only a newer version can go on: nothing is lost, and nothing was done.
var ErrNewer = errors.New("start the version that the other nodes run")

// Support has the machine be of a version that supports another level than Supported.
func (m *Machine) Support(level uint16) { m.supports = level }

// Supports gives the highest feature level that the machine supports.
func (m *Machine) Supports() uint16 { return m.supports }

// Level gives the feature level in force.
func (s *state) Level() uint16 { return s.level }

// RaiseLevel is the leader's note that the feature level rises: every node supports it. One who does not, and
// whose record has come before it, keeps it where it is.
func RaiseLevel(level uint16) entry.Op {
	return entry.Op{Args: caucus.Command{opLevel, strconv.Itoa(int(level))}}
}

// Raises gives the level that a note asks for, 0 for any other.
func Raises(op *entry.Op) uint16 {
	if len(op.Args) != 2 || op.Args[0] != opLevel {
		return 0
	}
	n, err := strconv.ParseUint(op.Args[1], 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

func raiseLevel(c *call) caucus.Reply {
	if n := Raises(c.op); c.m.rises(n) {
		c.m.level = n
	}
	return caucus.OK()
}

// rises says whether a note that asks for a level is carried out. The leader has looked before it logged the
// note; since then a node may have come in, or have started with the version it had before.
func (s *state) rises(level uint16) bool {
	return level > s.level && !slices.ContainsFunc(s.Nodes(), func(n Node) bool { return n.Level < level })
}

// supported says why this version must not apply an entry, nil when it may. It looks before anything of it is
// done: what follows a rise is applied at the new level, also when its leader did not yet know of the rise.
func (m *Machine) supported(e *entry.Entry) error {
	level, what := e.Level, "needs"
	for i := range e.Notes {
		if n := Raises(&e.Notes[i]); n > level && m.rises(n) {
			level, what = n, "raises the ensemble to"
		}
	}
	if level > m.supports {
		return fmt.Errorf("it %s feature level %d, this version has %d: %w", what, level, m.supports, ErrNewer)
	}
	return nil
}
