package replica

import (
	"errors"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// Time is a reading of a node's clocks, in microseconds: one that only advances, and the wall clock since
// 1970. Every input carries one; the replica never asks for it.
type Time struct {
	Mono int64
	Wall int64
}

const (
	millisecond = 1000 // microseconds
	second      = 1000 * millisecond
)

// Config says who the node is and how patient it is. Durations are microseconds; zero means the default.
type Config struct {
	// Node is this node's record as announced at this start: its raft id, incarnation, addresses, boot count
	// and boot id. Required.
	Node machine.Node
	// Seed draws the jitter of elections, so that a simulated run repeats exactly.
	Seed uint64
	// Heartbeat is the interval at which a leader makes itself heard: 50 ms.
	Heartbeat int64
	// Election is how long a follower bears silence, at least; up to as much again is drawn: 400 ms. It must be
	// the same on all nodes (SAFETY C14) and a multiple of Heartbeat.
	Election int64
	// Stagger separates the candidates of one search: 15 ms (SAFETY A7).
	Stagger int64
	// SnapshotEntries and SnapshotBytes say after how much log a snapshot is due: 100,000 entries or 256 MiB.
	SnapshotEntries uint64
	SnapshotBytes   uint64
	// DigestEntries and DigestEvery say after how many entries, or how much of the ensemble's time, the
	// nodes compare digests of their states: 1,000,000 entries or 10 minutes (SAFETY A13).
	DigestEntries uint64
	DigestEvery   int64
	// KeepEntries stay in memory behind a snapshot for followers that lag a little, 10,000, but no more of them
	// than KeepBytes hold, 64 MiB.
	KeepEntries uint64
	KeepBytes   uint64
	// MaxEntry is how many bytes of batches go into one log entry: 1 MiB. A single larger batch still goes.
	MaxEntry int
	// MaxQueue is how many bytes of batches may wait for the leader before new ones get TRYAGAIN: 256 MiB.
	MaxQueue int
	// Publish sends a message that a client of this node published, at its place among its other commands, and
	// says how many subscribers were on this node. Nil: nobody listens.
	Publish func(channel, payload string) int
	// Send hands a message of a client of this node to the members for whom it is, on all nodes. Nil: it
	// goes nowhere.
	Send func(*machine.Message)
}

func (c Config) withDefaults() Config {
	set(&c.Heartbeat, 50*millisecond)
	set(&c.Election, 400*millisecond)
	set(&c.Stagger, 15*millisecond)
	set(&c.SnapshotEntries, 100_000)
	set(&c.SnapshotBytes, 256<<20)
	set(&c.DigestEntries, 1_000_000)
	set(&c.DigestEvery, 600*second)
	set(&c.KeepEntries, 10_000)
	set(&c.KeepBytes, 64<<20)
	set(&c.MaxEntry, 1<<20)
	set(&c.MaxQueue, 256<<20)
	return c
}

func set[T int | int64 | uint64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func (c Config) validate() error {
	if c.Node.ID == 0 {
		return errors.New("replica: a node needs a raft id")
	}
	if c.Node.Boot == (entry.Boot{}) {
		return errors.New("replica: a node needs a boot id")
	}
	if c.Election%c.Heartbeat != 0 || c.Election < 2*c.Heartbeat {
		return errors.New("replica: the election timeout must be a multiple of the heartbeat, twice it or more")
	}
	return nil
}
