package replica

import (
	"fmt"
	"runtime/debug"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	pb "go.etcd.io/raft/v3/raftpb"
)

// apply applies committed entries. Raft hands them out only once they are durable here.
func (r *Replica) apply(m *pb.Message) {
	for _, e := range m.GetEntries() {
		if err := r.applyOne(e); err != nil {
			r.fail(fmt.Errorf("this node cannot apply the log any further: %w", err))
			return
		}
	}
	for _, resp := range m.GetResponses() {
		r.stepRaft(resp)
	}
}

func (r *Replica) applyOne(e *pb.Entry) error {
	r.checkpoint.bytes += uint64(len(e.GetData()))
	r.budget -= len(e.GetData())
	r.stream.passed(e.GetTerm())
	defer r.applied(e)
	if e.GetType() != pb.EntryNormal {
		return r.configure(e)
	}
	if len(e.GetData()) == 0 {
		r.m.Skip(e.GetIndex(), e.GetTerm())
		return nil
	}
	decoded, err := entry.Decode(e.GetData())
	if err != nil {
		return fmt.Errorf("entry %d: %w", e.GetIndex(), err)
	}
	leaving, _ := r.m.Leaving()
	out, err := r.m.Apply(e.GetIndex(), e.GetTerm(), decoded, host{r})
	if err != nil {
		return err
	}
	if e.GetIndex() <= r.begun {
		r.m.SetCounts(machine.Counts{}) // that was counted in an earlier life
	}
	r.clock.applied(r.now, decoded.Stamp)
	r.out.Events = append(r.out.Events, out.Events...)
	for _, w := range out.Waits {
		if w.Node == r.cfg.Node.ID && w.Boot == r.cfg.Node.Boot {
			r.out.Waits = append(r.out.Waits, w)
		}
	}
	for _, b := range out.Batches {
		if b.Node == r.cfg.Node.ID && b.Boot == r.cfg.Node.Boot {
			r.stream.landed(r, e.GetTerm(), b)
		}
	}
	if len(leaving) > 0 {
		r.out.Nodes = true // one of them may be gone now
	}
	if r.leader != nil {
		r.leader.touched(r, decoded, out)
	}
	if out.Digest {
		r.out.Digests = append(r.out.Digests, r.m.View())
	}
	if out.Digests {
		r.compare()
	}
	return nil
}

// applied tells the leader's memory how far this node has come.
func (r *Replica) applied(e *pb.Entry) {
	if r.leader != nil {
		r.leader.applied(r, e.GetTerm())
	}
}

// host is this node as the machine sees it.
type host struct{ r *Replica }

// Steps gives the whole pipeline of a batch of this node's clients.
func (h host) Steps(b *entry.Batch) []entry.Step {
	if b.Node != h.r.cfg.Node.ID || b.Boot != h.r.cfg.Node.Boot {
		return nil
	}
	return h.r.stream.steps(h.r.m.Term(), b.Number)
}

// Publish sends a client's message.
func (h host) Publish(channel, payload string) int {
	if h.r.cfg.Publish == nil {
		return 0
	}
	return h.r.cfg.Publish(channel, payload)
}

// Send sends a client's message to members.
func (h host) Send(m *machine.Message) {
	if h.r.cfg.Send != nil {
		h.r.cfg.Send(m)
	}
}

// Panicked tells of a function that panicked, with the stack on which it did. Every node tells it, again
// after each start that applies the entry anew.
func (h host) Panicked(command string, with any) {
	h.r.warn("the function of a custom command panicked; nothing of it was applied", "command", command,
		"panic", fmt.Sprint(with), "stack", string(debug.Stack()))
}

// read answers the steps of a batch of reads from the state as it is here.
func (r *Replica) read(b *Batch, local bool) []entry.Result {
	return r.m.ReadAll(b.Steps, r.clock.at(r.now), local, host{r})
}

// State gives the machine to whoever runs on the replica's own goroutine, to be read only.
func (r *Replica) State() *machine.Machine { return r.m }
