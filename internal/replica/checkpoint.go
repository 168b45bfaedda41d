package replica

import (
	"fmt"
	"slices"

	"github.com/caucus-project/caucus/internal/machine"
	pb "go.etcd.io/raft/v3/raftpb"
)

// checkpoint says when this node's next snapshot is due.
type checkpoint struct {
	last    uint64        // index of the last snapshot, written or under way
	durable uint64        // index of the last that is on disk
	bytes   uint64        // of log applied since
	writing *machine.View // nil when none is under way
	asked   []wish        // operators who want one, and this node itself, without a tag
}

// wish is somebody who waits for a snapshot that covers an index.
type wish struct {
	index uint64
	tag   any
}

// Saved answers AskCheckpoint.
type Saved struct {
	Tag  any
	View *machine.View // the state that is on disk
	Err  error         // why it could not be written
}

// AskCheckpoint makes a snapshot of what is applied now due. Output.Saved tells with the tag, which is the
// caller's, when one is durable; at once when there is one of this very state.
func (r *Replica) AskCheckpoint(now Time, tag any) {
	r.at(now)
	r.checkpoint.asked = append(r.checkpoint.asked, wish{r.m.Index(), tag})
}

// advance hands out a snapshot when one is due: the state is taken in constant time and written while
// commands go on. After one that failed the next is due as after one that did not, so that a full disk is not
// written to without a pause; but somebody who asks is served.
func (c *checkpoint) advance(r *Replica) {
	index := r.m.Index()
	due := index > c.last && (index-c.last >= r.cfg.SnapshotEntries || c.bytes >= r.cfg.SnapshotBytes)
	if c.writing != nil || !due && len(c.asked) == 0 {
		return
	}
	view := r.m.View()
	if index == c.durable {
		c.tell(r, view, nil)
		return
	}
	at, term := index, view.Term()
	c.last, c.bytes, c.writing = index, 0, view
	r.out.Checkpoint = &Checkpoint{View: view,
		Meta: &pb.SnapshotMetadata{Index: &at, Term: &term, ConfState: r.conf}}
}

// tell answers those who wait for no more than a view.
func (c *checkpoint) tell(r *Replica, view *machine.View, err error) {
	c.asked = slices.DeleteFunc(c.asked, func(w wish) bool {
		if w.index > view.Index() {
			return false
		}
		if w.tag != nil {
			r.out.Saved = append(r.out.Saved, Saved{w.tag, view, err})
		}
		return true
	})
}

// replaced notes that the state is now that of a durable snapshot of the leader.
func (c *checkpoint) replaced(index uint64) { c.last, c.durable, c.bytes = index, index, 0 }

// Checkpointed says that the snapshot at index is durable, or why it could not be written. The log behind it,
// but for what laggards may need, is forgotten.
func (r *Replica) Checkpointed(now Time, index uint64, err error) {
	r.at(now)
	c := &r.checkpoint
	if c.writing != nil {
		c.tell(r, c.writing, err)
	}
	c.writing = nil
	if err != nil {
		return
	}
	c.durable = max(c.durable, index)
	if err := r.store.forget(index, r.cfg.KeepEntries, r.cfg.KeepBytes); err != nil {
		r.fail(fmt.Errorf("forgetting the log behind a snapshot: %w", err))
	}
}
