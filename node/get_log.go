package node

import (
	"context"
	"math"
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// How many entries GETLOG gives: when it is not asked for any, and at most.
const (
	logLines    = 100
	mostLogLine = 1000
)

// getLog answers GETLOG [start [end]]: committed entries with index, term, the ensemble's clock in
// milliseconds (nil for an entry without) and what they ask for, in words. Both ends are included; the rest
// is for another call.
func (n *Node) getLog(_ context.Context, cmd caucus.Command) caucus.Reply {
	from, to, err := logRange(cmd[1:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	most := mostLogLine
	if from == 0 {
		most = logLines
	}
	var list []*pb.Entry
	if !n.owner.inspect(func(r *replica.Replica) { list, err = r.Log(from, to, most) }) {
		err = errStopping
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	lines := make([]caucus.Reply, len(list))
	for i, e := range list {
		stamp, text := replica.DescribeEntry(e, n.called)
		ms := caucus.Nil()
		if stamp != 0 {
			ms = caucus.Int(stamp / 1000)
		}
		lines[i] = caucus.Array(caucus.Int(int64(e.GetIndex())), caucus.Int(int64(e.GetTerm())), ms,
			caucus.Bulk(text))
	}
	return caucus.Array(lines...)
}

// called gives a node's name, or what to call one that is gone.
func (n *Node) called(id uint64) string {
	if name := n.nameOf(id); name != "" {
		return name
	}
	return "node " + strconv.FormatUint(id, 10)
}

// logRange reads the ends that GETLOG states; from is 0 when it states none.
func logRange(args []string) (from, to uint64, err *caucus.Error) {
	ends := []uint64{0, math.MaxUint64}
	if len(args) > len(ends) {
		return 0, 0, caucus.Errorf(caucus.ErrBad, "syntax error: it is GETLOG [start [end]]")
	}
	for i, arg := range args {
		v, bad := strconv.ParseUint(arg, 10, 63)
		if bad != nil || v == 0 {
			return 0, 0, caucus.Errorf(caucus.ErrBad, "'%.32s' is not the index of an entry, which is 1 or more", arg)
		}
		ends[i] = v
	}
	if ends[1] < ends[0] {
		return 0, 0, caucus.Errorf(caucus.ErrBad, "the end, %d, comes before the start, %d", ends[1], ends[0])
	}
	return ends[0], ends[1], nil
}
