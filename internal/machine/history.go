package machine

import (
	"cmp"
	"slices"
)

// How much of the past is kept: so many changes (WIRE "Store"), and of their keys so many bytes, since keys
// may be long. The newest change is kept in any case.
const (
	changesKept = 100_000
	changeBytes = 16 << 20
)

// A piece of the history takes so many changes, or changes with so many bytes of keys, whichever is less. It
// is let go of as a whole, so it must be small beside all that is kept.
const (
	pieceLength = 512
	pieceBytes  = 256 << 10
)

// keyChange is one change of a key.
type keyChange struct {
	revision uint64
	key      string // shares no memory with an entry; empty when all keys went at once
	word     word
}

// history holds the last changes of keys in the order of their revisions. To note one costs an append.
//
// It is copy-on-write because nothing in it is ever changed: a change is written behind all that a copy
// looks at, a piece that is full moves to a new list, and a copy that notes something itself begins a
// piece of its own (SAFETY B12).
type history struct {
	floor uint64        // all changes from this revision on are there
	full  [][]keyChange // the older pieces, none of them empty
	last  []keyChange   // the newest piece
	room  int           // bytes of keys that the newest piece still takes
	gone  int           // changes of the oldest piece that are no longer kept
	count int           // changes that are kept
	bytes int           // of their keys
}

func (h *history) copy() history {
	c := *h
	c.last = slices.Clip(h.last)
	return c
}

// note adds a change and forgets the oldest when there are too many.
func (h *history) note(c keyChange) {
	if len(h.last) == cap(h.last) || h.room < len(c.key) {
		h.turn()
	}
	h.last = append(h.last, c)
	h.room -= len(c.key)
	h.count++
	h.bytes += len(c.key)
	for h.count > changesKept || h.bytes > changeBytes && h.count > 1 {
		h.forget()
	}
}

// turn begins a new piece. The list of the others is made anew, because copies look at the one that there is.
func (h *history) turn() {
	if len(h.last) > 0 {
		full := make([][]keyChange, 0, len(h.full)+1)
		h.full = append(append(full, h.full...), h.last)
	}
	h.last, h.room = make([]keyChange, 0, pieceLength), pieceBytes
}

// forget lets go of the oldest change.
func (h *history) forget() {
	oldest := h.last
	if len(h.full) > 0 {
		oldest = h.full[0]
	}
	c := &oldest[h.gone]
	h.floor = c.revision + 1
	h.count--
	h.bytes -= len(c.key)
	if h.gone++; h.gone == len(oldest) { // never all of the newest piece
		h.full, h.gone = h.full[1:], 0
	}
}

// from visits the changes from a revision on, which is not below the floor, until do says no.
func (h *history) from(revision uint64, do func(c *keyChange) bool) {
	first, _ := slices.BinarySearchFunc(h.full, revision, func(piece []keyChange, revision uint64) int {
		return cmp.Compare(piece[len(piece)-1].revision, revision)
	})
	for i := first; i <= len(h.full); i++ {
		piece := h.last
		if i < len(h.full) {
			piece = h.full[i]
		}
		at, _ := slices.BinarySearchFunc(piece, revision, func(c keyChange, revision uint64) int {
			return cmp.Compare(c.revision, revision)
		})
		for ; at < len(piece); at++ {
			if !do(&piece[at]) {
				return
			}
		}
	}
}

// newest gives the revision of the last change, 0 when none is kept.
func (h *history) newest() uint64 {
	if n := len(h.last); n > 0 {
		return h.last[n-1].revision
	}
	return 0
}

// word says what happened to a key. The numbers stand in snapshots.
type word uint8

// The words are those of Redis' keyspace notifications, and flushall, for which it has none.
const (
	wordSet word = iota + 1
	wordAppend
	wordSetRange
	wordIncrBy
	wordIncrByFloat
	wordExpire
	wordPersist
	wordDel
	wordExpired
	wordRenameFrom
	wordRenameTo
	wordCopyTo
	wordFlushAll
)

func (w word) String() string {
	switch w {
	case wordSet:
		return "set"
	case wordAppend:
		return "append"
	case wordSetRange:
		return "setrange"
	case wordIncrBy:
		return "incrby"
	case wordIncrByFloat:
		return "incrbyfloat"
	case wordExpire:
		return "expire"
	case wordPersist:
		return "persist"
	case wordDel:
		return "del"
	case wordExpired:
		return "expired"
	case wordRenameFrom:
		return "rename_from"
	case wordRenameTo:
		return "rename_to"
	case wordCopyTo:
		return "copy_to"
	case wordFlushAll:
		return "flushall"
	}
	return ""
}
