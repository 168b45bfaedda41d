package node

import (
	"fmt"
	"os"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
)

// readDump reads the dump that a new ensemble is to begin with. It is read, and right to its end, before
// anything is founded.
func (n *Node) readDump() error {
	if n.cfg.From == "" {
		return nil
	}
	f, err := os.Open(n.cfg.From)
	if err != nil {
		return fmt.Errorf("the dump to begin with: %w", err)
	}
	defer f.Close()
	if n.dump, err = machine.ReadDump(f); err != nil {
		return fmt.Errorf("the dump to begin with, %s: %w", n.cfg.From, err)
	}
	return nil
}

// mayBeginWith refuses a dump where an ensemble lives already: its keys would be lost.
func (n *Node) mayBeginWith(home datadir.Identity) error {
	if n.dump == nil || home.Boots == 0 {
		return nil
	}
	return n.describeError(fmt.Errorf("it belongs to node %q of ensemble %s, and "+
		"--from (From) founds a new one: "+
		"start it without --from to go on, or give it an empty directory", home.Node, home.Cluster))
}

// firstState gives the state that a new ensemble begins with: nothing, or what is in the dump.
func (n *Node) firstState(cluster [16]byte) *machine.Machine {
	stamp := n.cfg.clock().Wall
	if n.dump == nil {
		return machine.New(cluster, stamp)
	}
	if !n.dump.Sealed {
		n.log.Warn("the dump has no checksum, as when somebody has edited it: it is taken as it is")
	}
	n.log.Info("a new ensemble begins with a dump", "file", n.cfg.From, "keys", n.dump.Keys,
		"groups", n.dump.Made)
	m := n.dump.Found(cluster, stamp)
	n.dump = nil
	return m
}
