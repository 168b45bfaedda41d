package node

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/replica"
)

// disk is the goroutine that writes the log: all writes that came while it synced share the next sync.
type disk struct {
	n     *Node
	saves atomic.Pointer[saves]

	mu      sync.Mutex
	queue   []replica.Write
	stopped bool
	wake    chan struct{}
}

// saves says how the writing of snapshots goes.
type saves struct {
	writing bool
	count   uint64        // that were written since the start
	failed  uint64        // that could not be
	at      time.Time     // when the last one was begun, or the node
	took    time.Duration // the last one
	err     error         // of the last one
}

func newDisk(n *Node) *disk {
	d := &disk{n: n, wake: make(chan struct{}, 1)}
	d.saves.Store(&saves{at: time.Now()})
	return d
}

func (d *disk) write(list []replica.Write) {
	if len(list) == 0 {
		return
	}
	d.mu.Lock()
	d.queue = append(d.queue, list...)
	d.mu.Unlock()
	d.nudge()
}

func (d *disk) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// stop ends the loop once what was queued is written.
func (d *disk) stop() {
	d.mu.Lock()
	d.stopped = true
	d.mu.Unlock()
	d.nudge()
}

func (d *disk) run() {
	for range d.wake {
		list, stopped := d.take()
		if len(list) > 0 && !d.append(list) {
			return
		}
		if stopped {
			return
		}
	}
}

func (d *disk) take() ([]replica.Write, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.queue
	d.queue = nil
	return list, d.stopped
}

// append makes the writes durable with one sync and says so. A failed sync is never tried again:
// the node stops (SAFETY B5). A disk without room for more is like one that hangs: it is tried again
// until there is room, or the node is stopped (SAFETY B13).
func (d *disk) append(list []replica.Write) bool {
	records := make([]raftlog.Record, len(list))
	for i, w := range list {
		records[i] = raftlog.Record{Snapshot: w.Snapshot, Entries: w.Entries, HardState: w.HardState}
	}
	begun, err := d.put(records)
	if errors.Is(err, raftlog.ErrNoSpace) {
		return false // the node stops meanwhile
	}
	if err != nil {
		d.n.fail(fmt.Errorf("the log cannot be written: %w; free or repair the disk and start the node again", err))
		return false
	}
	took := time.Since(begun)
	d.n.meter.Synced(took, len(list))
	last := list[len(list)-1].Seq
	d.n.owner.stored(last)
	return true
}

// put appends to the log, and says when what succeeded began. It tries as long as there is no room.
func (d *disk) put(records []raftlog.Record) (begun time.Time, err error) {
	for said := false; ; said = true {
		begun = time.Now()
		err = d.n.store.Append(records)
		if !errors.Is(err, raftlog.ErrNoSpace) {
			return begun, err
		}
		if !said {
			d.n.log.Warn("the log has no room: this node takes nothing until there is some", "error", err)
		}
		if !d.pause() {
			return begun, err
		}
	}
}

// pause waits until it is worth trying again, and says no when the node stops.
func (d *disk) pause() bool {
	select {
	case <-time.After(retrySpace):
		return true
	case <-d.n.ctx.Done():
		return false
	}
}

// checkpoint writes a snapshot of this node and forgets the log behind the one before it.
func (d *disk) checkpoint(c *replica.Checkpoint) {
	s := *d.saves.Load()
	s.writing, s.at = true, time.Now()
	d.saves.Store(&s)
	err := d.n.store.SaveSnapshot(c.Meta, func(w io.Writer) error { return c.View.Save(d.n.gently(w)) })
	if err == nil {
		err = d.compact()
	}
	if err != nil {
		d.n.log.Error("a snapshot could not be written", "index", c.Meta.GetIndex(), "error", err)
	} else {
		d.n.log.Info("snapshot written", "index", c.Meta.GetIndex())
	}
	d.saved(s, err)
	d.n.owner.call(func(now replica.Time) {
		d.n.owner.r.Checkpointed(now, c.Meta.GetIndex(), err)
	})
}

// saved notes how the writing of a snapshot, of which s spoke while it was written, has ended.
func (d *disk) saved(s saves, err error) {
	s.writing, s.took, s.err = false, time.Since(s.at), err
	if err == nil {
		s.count++
	} else {
		s.failed++
	}
	d.saves.Store(&s)
}

// compact keeps what continues the older of the snapshots, in case the newer turns out to be damaged.
func (d *disk) compact() error {
	list := d.n.store.Snapshots()
	if len(list) == 0 {
		return nil
	}
	return d.n.store.Compact(list[len(list)-1].GetIndex())
}
