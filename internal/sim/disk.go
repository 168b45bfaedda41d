package sim

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// dataDir is where every node keeps its log, each on a disk of its own.
const dataDir = "/data"

// segmentSize is small, so that there are many segments.
const segmentSize = 8 << 10

// disk is a node's log on a disk in memory, which takes its time.
type disk struct {
	n       *node
	mem     *vfs.Mem
	log     *raftlog.Log
	used    bool            // there has been a log
	queue   []replica.Write // waiting for the write that is under way
	flying  []replica.Write // being written: nobody knows how much of it a crash would leave
	hungTo  int64           // true time until which nothing completes
	slowTo  int64           // true time until which every write takes long
	writing *replica.Checkpoint
	torn    error
}

func (d *disk) create(n *node) {
	d.n = n
	d.mem = vfs.NewMem(n.w.rng.Uint64())
	d.torn = errors.New("the power failed")
}

func (d *disk) options() raftlog.Options {
	return raftlog.Options{Cluster: hex.EncodeToString(d.n.w.cluster[:]),
		Incarnation: hex.EncodeToString(d.n.incarnation[:]), SegmentSize: segmentSize, MustExist: d.used}
}

// open reads the log, as a node does when its process begins.
func (d *disk) open() (replica.Restored, error) {
	log, found, err := raftlog.Open(d.mem, dataDir, d.options())
	if err != nil {
		return replica.Restored{}, err
	}
	if found.Repaired != "" {
		d.n.w.checks.count("repaired")
	}
	d.log, d.used = log, true
	restored := replica.Restored{HardState: found.HardState, Snapshot: found.Snapshot, Entries: found.Entries}
	restored.State, err = d.load(found.Snapshot)
	return restored, err
}

// found writes the first snapshot of the ensemble: its nodes, all of them voters, and nothing else.
func (d *disk) found(nodes []machine.Node) {
	m := machine.New(d.n.w.cluster, wallBegin)
	index, term := uint64(1), uint64(1)
	conf := &pb.ConfState{}
	for _, n := range nodes {
		m.Admit(index, term, n)
		conf.Voters = append(conf.Voters, n.ID)
	}
	log, _, err := raftlog.Open(d.mem, dataDir, d.options())
	if err == nil {
		d.log, d.used = log, true
		err = d.log.SaveSnapshot(&pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: conf},
			m.View().Save)
		err = errors.Join(err, log.Close())
	}
	if err != nil {
		d.n.w.fail("the ensemble cannot be founded: %v", err)
	}
}

// load reads the state of a snapshot, or gives the empty state of a newcomer.
func (d *disk) load(meta *pb.SnapshotMetadata) (*machine.Machine, error) {
	m, err := machine.New(d.n.w.cluster, 0), error(nil)
	m.Support(d.n.level)
	if meta != nil {
		m, err = d.saved(meta)
	}
	if err == nil {
		m.Know(d.n.custom.table, d.n.custom.list)
	}
	return m, err
}

// take writes a received snapshot to disk while it reads it into a state: all of it, or nothing.
func (d *disk) take(meta *pb.SnapshotMetadata, view *machine.View) (*machine.Machine, error) {
	var sent bytes.Buffer
	if err := view.Save(&sent); err != nil {
		return nil, err
	}
	w, err := d.log.CreateSnapshot(meta)
	if err != nil {
		return nil, err
	}
	m, err := machine.LoadFor(d.n.level, io.TeeReader(&sent, w))
	if err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	m.Know(d.n.custom.table, d.n.custom.list)
	return m, w.Commit()
}

func (d *disk) saved(meta *pb.SnapshotMetadata) (m *machine.Machine, err error) {
	r, err := d.log.OpenSnapshot(meta.GetIndex())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if m, err = machine.LoadFor(d.n.level, r); err != nil {
		return nil, err
	}
	if rest, err := io.Copy(io.Discard, r); err != nil || rest > 0 {
		return nil, errors.Join(err, errors.New("the snapshot has bytes behind its end"))
	}
	return m, nil
}

// write queues writes. All that came while one was under way share the next.
func (d *disk) write(list []replica.Write) {
	d.queue = append(d.queue, list...)
	d.begin()
}

func (d *disk) begin() {
	if len(d.flying) > 0 || len(d.queue) == 0 {
		return
	}
	w, life := d.n.w, d.n.life
	d.flying, d.queue = d.queue, nil
	w.at(max(d.hungTo, w.now)+d.duration(), func() { d.end(life) })
}

// end completes a write, unless the disk has been made to hang meanwhile.
func (d *disk) end(life int) {
	w := d.n.w
	switch {
	case d.n.life != life:
		return
	case d.hungTo > w.now:
		w.at(d.hungTo+d.duration(), func() { d.end(life) })
		return
	}
	if err := d.log.Append(records(d.flying)); err != nil {
		w.fail("%s cannot write its log: %v", d.n.name, err)
		return
	}
	last := d.flying[len(d.flying)-1].Seq
	d.flying = nil
	w.note(d.n.name, "stored", last)
	d.begin()
	d.n.input(func(now replica.Time) { d.n.r.Stored(now, last) })
}

// duration draws how long a write takes.
func (d *disk) duration() int64 {
	w := d.n.w
	if w.plan.exact {
		return 1
	}
	if !w.calm && (w.now < d.slowTo || w.chance(w.plan.standing.slowDisk)) {
		return w.between(millisecond, 120*millisecond)
	}
	return w.between(100, 2*millisecond)
}

func records(list []replica.Write) []raftlog.Record {
	records := make([]raftlog.Record, len(list))
	for i, w := range list {
		records[i] = raftlog.Record{Snapshot: w.Snapshot, Entries: w.Entries, HardState: w.HardState}
	}
	return records
}

// checkpoint writes a snapshot of this node while it goes on, and forgets the log behind the one before it.
func (d *disk) checkpoint(c *replica.Checkpoint) {
	w, life, index := d.n.w, d.n.life, c.Meta.GetIndex()
	d.writing = c
	w.after(w.between(millisecond, 30*millisecond), func() {
		if d.n.life != life {
			return
		}
		d.writing = nil
		err := d.log.SaveSnapshot(c.Meta, c.View.Save)
		if err == nil {
			list := d.log.Snapshots()
			err = d.log.Compact(list[len(list)-1].GetIndex())
		}
		if err != nil {
			w.fail("%s cannot write a snapshot: %v", d.n.name, err)
			return
		}
		w.note(d.n.name, "checkpoint", index)
		w.checks.count("checkpoints")
		d.n.input(func(now replica.Time) { d.n.r.Checkpointed(now, index, nil) })
	})
}

// stop is what becomes of the disk when the process dies, or with power the whole machine: what was not
// synced may be lost, and what was being written may be there in part.
func (d *disk) stop(power bool) {
	w := d.n.w
	if len(d.flying) > 0 && w.chance(60) {
		d.mem.FailSync = func(string) error { return d.torn }
		if err := d.log.Append(records(d.flying)); err != nil {
			w.note(d.n.name, "torn write")
		}
		d.mem.FailSync = nil
	}
	if d.writing != nil && w.chance(50) {
		if half, err := d.log.CreateSnapshot(d.writing.Meta); err == nil {
			if err := d.writing.View.Save(half); err != nil {
				w.fail("%s: half a snapshot: %v", d.n.name, err)
			}
		}
	}
	if power {
		d.mem.Crash()
	} else {
		d.mem.Kill()
	}
	d.queue, d.flying, d.writing, d.log = nil, nil, nil, nil
}
