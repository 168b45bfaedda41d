// Package raftlog keeps what one node must not forget: its Raft log, in segments, and its snapshots.
//
//	identity, LOCK           who the directory is, and that it is in use (package datadir)
//	log/<seq>-<index>.log    segments; index is the first one that the segment may append
//	snap/<index>-<term>.snap snapshots, the newest two (package snapfile)
//	quarantine/              what was set aside
//
// It is not for deciding anything: it neither chooses what to append nor when to compact, has no
// clock, no goroutine and no network. It may import its own subpackages, the raftpb types and the
// standard library.
//
// # Frames
//
// Everything is written in frames (package sealed), each of which names the checksum of the one
// before it. One Append is one frame, one write and one fdatasync, so after a crash it is there as a
// whole or not at all. Nothing is ever written in place: a suffix that Raft overwrites is appended
// again, and reading keeps the last. A change of the commit index alone waits in memory for the next
// frame (or Close), since it needs no sync and an unsynced frame in front of a synced one would look
// like damage.
//
// # What a crash may leave
//
// Segments are preallocated with zeros. An append that power failure interrupted has a sector that
// is still all zero, has nothing behind it, and lies in the last segment; no intact frame has such a
// sector (a mask sees to it). Only that is repaired, by zeroing it again. A segment says how long its
// file is and, in its last sector, that another follows, so one that is cut or lost is noticed. All
// other damage is a *sealed.DamageError: cutting it off would forget an acknowledged append (SAFETY
// C5). datadir.Quarantine sets a damaged log aside, and the node comes back as a learner.
//
// # Snapshots
//
// A snapshot is durable before the log speaks of it: CreateSnapshot, Write, Commit, and only then,
// for one that came from the leader, Append of a Record that names it. On opening, the newest intact
// snapshot counts: entries up to its index are dropped; those behind it count only if the log
// continues it (same term at its index, no gap). So a crash between Commit and Append is harmless,
// and Open writes the missing record. Commit index and term are raised to the snapshot's (SAFETY
// B3). If the newest snapshot is damaged and the log still continues the one before it, that one
// counts and the damaged file goes to quarantine: give Compact the index of the older of Snapshots
// to keep this way open.
package raftlog
