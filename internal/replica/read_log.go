package replica

import (
	"fmt"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Log gives committed entries as they stand in this node's memory: at most so many, and some megabytes, from
// an index on, or the last ones when from is 0. What a snapshot has replaced is a GAP that names the oldest.
func (r *Replica) Log(from, to uint64, most int) ([]*pb.Entry, *caucus.Error) {
	first, newest := r.store.span()
	newest = min(newest, r.rn.BasicStatus().HardState.GetCommit())
	switch {
	case from == 0:
		from = max(first, newest+1-min(newest+1, uint64(most)))
	case from < first:
		return nil, caucus.Errorf(caucus.ErrGap, "%d is the oldest entry that this node still has, and %d was "+
			"asked for", first, from)
	}
	end := min(to, newest, from+uint64(most)-1) + 1
	if from >= end {
		return nil, nil
	}
	const bytes = 8 << 20
	list, err := r.store.Entries(from, end, bytes)
	if err != nil {
		return nil, caucus.Errorf(caucus.ErrBad, "entries %d to %d cannot be read: %s", from, end-1, err)
	}
	return list, nil
}

// DescribeEntry says in words what an entry holds, and the ensemble's clock in it, in microseconds since
// 1970; 0 for one that has none. Name gives a node's name.
func DescribeEntry(e *pb.Entry, name func(id uint64) string) (stamp int64, text string) {
	switch {
	case e.GetType() != pb.EntryNormal:
		return 0, describeChange(e, name)
	case len(e.GetData()) == 0:
		return 0, "a leader begins its term"
	}
	decoded, err := entry.Decode(e.GetData())
	if err != nil {
		return 0, "cannot be read: " + err.Error()
	}
	return decoded.Stamp, machine.Describe(decoded, name)
}

func describeChange(e *pb.Entry, name func(id uint64) string) string {
	_, c, err := readChange(e)
	switch {
	case err != nil:
		return "cannot be read: " + err.Error()
	case c == nil:
		return "configuration: the change is complete"
	}
	text := "configuration:"
	switch c.kind {
	case changeAdmit:
		text += fmt.Sprintf(" %s (%d) comes in as a learner", c.node.Name, c.node.ID)
	case changePromote:
		text += fmt.Sprintf(" %s (%d) votes", c.node.Name, c.node.ID)
	}
	for _, id := range c.gone {
		text += fmt.Sprintf(" %s (%d) leaves", name(id), id)
	}
	return text
}
