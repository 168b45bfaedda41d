package machine

import (
	"fmt"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// knows says why this node cannot carry out an entry, nil when it can.
func (m *Machine) knows(e *entry.Entry) error {
	for i := range e.Batches {
		for j := range e.Batches[i].Ops {
			if err := m.Lacks(&e.Batches[i].Ops[j]); err != nil {
				return fmt.Errorf("%w: register it as on the other nodes, or start the program that they run, "+
					"and this node goes on from that entry", err)
			}
		}
	}
	return nil
}

// Lacks says which command of an operation, which is in the log or shall be, this node does not have, or
// has otherwise than the node whose client asked for it and which has looked it up in its own table. Nil:
// none. What one node takes for a read and another for a write is not found inside of every transaction;
// then digests tell (SAFETY A13).
func (m *Machine) Lacks(op *entry.Op) error {
	list := op.Queue
	if len(list) == 0 {
		list = []caucus.Command{op.Args}
	}
	writes, read := false, ""
	for _, args := range list {
		spec, err := m.row(args)
		switch {
		case err != nil:
			return m.unknown(args)
		case spec.Writes():
			writes = true
		case spec.IsCustom():
			read = spec.Name
		}
	}
	if read != "" && !writes {
		return fmt.Errorf("the command '%s' is registered here as one that reads, and elsewhere as one that "+
			"changes the state", read)
	}
	return nil
}

// unknown says what is wrong with a command that has no row.
func (m *Machine) unknown(args caucus.Command) error {
	name := ""
	if len(args) > 0 {
		name = strings.ToLower(args[0])
	}
	if m.table.Has(name) {
		return fmt.Errorf("the command '%.64s' does not take %d arguments here, and does elsewhere",
			name, len(args)-1)
	}
	return fmt.Errorf("the command '%.64s' is not registered here", name)
}
