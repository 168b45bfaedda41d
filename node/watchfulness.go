package node

import (
	"context"
	"runtime/debug"

	"github.com/caucus-project/caucus"
)

// watchAnswers says who answers what of MEMORY and LATENCY, as far as it is about this node.
func (n *Node) watchAnswers() map[string]local {
	nothing := func(r caucus.Reply) local {
		return func(context.Context, caucus.Command) caucus.Reply { return r }
	}
	return map[string]local{
		"latency|latest":  nothing(caucus.Array()),
		"latency|history": nothing(caucus.Array()),
		"latency|reset":   nothing(caucus.Int(0)),
		"latency|doctor": nothing(caucus.Reply{Kind: caucus.KindVerbatim, Str: "Events are not sampled by this " +
			"node. Its metrics have how long writes, reads and syncs take, as histograms (/metrics of the HTTP " +
			"door); SLOWLOG GET has commands that were slow; caucus bench measures a running ensemble.\n"}),
		"memory|doctor": n.memoryDoctor,
		"memory|stats":  n.memoryStats,
		"memory|purge": func(context.Context, caucus.Command) caucus.Reply {
			debug.FreeOSMemory()
			return caucus.OK()
		},
	}
}

// memoryDoctor says whether the limit on memory is near, which is all that can be wrong with it here.
func (n *Node) memoryDoctor(context.Context, caucus.Command) caucus.Reply {
	h := n.holdings()
	text := "The keys and their values take " + megabytes(h.memory) +
		", and there is no limit (CONFIG SET maxmemory).\n"
	switch {
	case h.limit > 0 && h.memory > h.limit:
		text = "Memory is full: the keys and their values take " + megabytes(h.memory) + " of " +
			megabytes(h.limit) + ". What grows is refused (OOM) until something is deleted or the limit is raised.\n"
	case h.limit > 0:
		text = "The keys and their values take " + megabytes(h.memory) + " of " + megabytes(h.limit) + ".\n"
	}
	return caucus.Reply{Kind: caucus.KindVerbatim, Str: text}
}

// memoryStats has those of Redis' fields that mean something here.
func (n *Node) memoryStats(context.Context, caucus.Command) caucus.Reply {
	h := n.holdings()
	each := int64(0)
	if h.keys > 0 {
		each = h.memory / int64(h.keys)
	}
	return row("total.allocated", processMemory(), "keys.count", int64(h.keys), "keys.bytes-per-key", each,
		"dataset.bytes", h.memory, "maxmemory", h.limit)
}
