//go:build linux

package chaos

import (
	"errors"
	"fmt"
)

// atRest says why the nodes are not at rest: every node runs and votes, one leads, all others follow it, and
// all have one digest.
func (f *field) atRest() error {
	leaders, term := 0, uint64(0)
	all := f.all()
	for _, n := range all {
		s, err := n.standing()
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", n.name, err)
		case s.Learner, s.State == "c", len(s.Peers) != len(all)-1, term != 0 && s.Term != term:
			return fmt.Errorf("%s: learner %v, state %s, term %d and another's %d, %d peers",
				n.name, s.Learner, s.State, s.Term, term, len(s.Peers))
		case s.State == "l":
			leaders++
		}
		term = s.Term
	}
	if leaders != 1 {
		return fmt.Errorf("%d leaders", leaders)
	}
	return all[0].sameDigests(len(all))
}

// sameDigests asks a node for the digests of all, which are those of one entry.
func (n *node) sameDigests(count int) error {
	reply, err := n.ask("ENSEMBLE", "DIGEST")
	if err != nil {
		return err
	}
	if len(reply.Items) != count {
		return fmt.Errorf("%d digests, of %d nodes", len(reply.Items), count)
	}
	first := reply.Items[0].Items
	for _, row := range reply.Items[1:] {
		if row.Items[1].Int != first[1].Int {
			return errors.New("digests of different entries")
		}
		if row.Items[2].Str != first[2].Str {
			n.f.violated("%s and %s have different states at entry %d", first[0].Str, row.Items[0].Str, first[1].Int)
			return errors.New("different digests")
		}
	}
	return nil
}
