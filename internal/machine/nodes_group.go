package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// NodesGroup is the built-in group whose members are the nodes themselves: who leads it is the leader
// that node.IsLeader and its kin speak of (SAFETY A6).
const NodesGroup = "nodes"

// Who speaks from inside a node's process: the node itself, and the program that it is part of. No user
// may have a name that begins with a dot.
const (
	NodeUser    = ".node"
	ProgramUser = ".program"
)

// fromInside says whether an operation comes from inside its node's process, so that the connection
// that it came by ends unseen with that process (SAFETY A6).
func fromInside(op *entry.Op) bool { return op.User == NodeUser || op.User == ProgramUser }

// mayShape says whether the one who speaks may join a group or say what it is made with: NodesGroup is
// the nodes' alone, since its leader is taken for one of them.
func (q *query) mayShape(group string) *caucus.Error {
	if group != NodesGroup || q.op.User == NodeUser {
		return nil
	}
	return caucus.Errorf(caucus.ErrNoPerm, "group '%s' belongs to the ensemble's own nodes: others may read it "+
		"and listen to it; give a group of yours another name", group)
}
