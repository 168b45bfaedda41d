package machine

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/caucus-project/caucus/internal/fields"
)

// How much of the past is kept: so many changes (WIRE "Store"), and of their keys so many bytes, since keys
// may be long. The newest change is kept in any case.
const (
	changesKept = 100_000
	changeBytes = 16 << 20
)

// pieceBytes is the size of a piece of the history, unless a single change is longer. A piece is let go of as
// a whole, so it must be small beside all that is kept.
const pieceBytes = 16 << 10

// keyChange is one change of a key.
type keyChange struct {
	revision uint64
	key      string // empty when all keys went at once
	word     word
}

// history holds the last changes of keys in the order of their revisions. To note one costs an append to
// bytes in which nothing points anywhere.
//
// It is copy-on-write because nothing in it is ever changed: a change is written behind all that a copy
// looks at, a piece that is full moves to a new list, and a copy that notes something itself begins a
// piece of its own (SAFETY B12).
type history struct {
	floor uint64  // all changes from this revision on are there
	full  []piece // the older pieces, none of them empty
	last  piece   // the newest piece
	gone  int     // bytes of the oldest piece that are no longer kept
	count int     // changes that are kept
	bytes int     // of their keys
}

// piece is changes one after the other, each as
//
//	revision (varint), word (a byte), length of the key (varint), the key
type piece struct {
	changes []byte
	newest  uint64 // revision of the last of them
}

func (h *history) copy() history {
	c := *h
	c.last.changes = slices.Clip(h.last.changes)
	return c
}

// note adds a change and forgets the oldest when there are too many.
func (h *history) note(c keyChange) {
	var room [1 + 2*binary.MaxVarintLen64]byte
	head := fields.Uvarint(append(fields.Uvarint(room[:0], c.revision), byte(c.word)), uint64(len(c.key)))
	if all := h.last.changes; cap(all)-len(all) < len(head)+len(c.key) {
		h.turn(len(head) + len(c.key))
	}
	h.last.changes, h.last.newest = append(append(h.last.changes, head...), c.key...), c.revision
	h.count++
	h.bytes += len(c.key)
	for h.count > changesKept || h.bytes > changeBytes && h.count > 1 {
		h.forget()
	}
}

// turn begins a new piece, in which a change of some bytes has room. The list of the others is made anew,
// because copies look at the one that there is.
func (h *history) turn(least int) {
	if len(h.last.changes) > 0 {
		full := make([]piece, 0, len(h.full)+1)
		h.full = append(append(full, h.full...), h.last)
	}
	h.last.changes = make([]byte, 0, max(pieceBytes, least))
}

// firstChange reads the first of changes, of which there is one at least. The key it gives for itself, in the
// memory of the piece, since not everybody wants a copy.
func firstChange(changes []byte) (c keyChange, key, rest []byte) {
	revision, n := binary.Uvarint(changes)
	size, m := binary.Uvarint(changes[n+1:])
	key, rest = changes[n+1+m:][:size], changes[n+1+m:][size:]
	return keyChange{revision: revision, word: word(changes[n])}, key, rest
}

// forget lets go of the oldest change.
func (h *history) forget() {
	oldest := h.last.changes
	if len(h.full) > 0 {
		oldest = h.full[0].changes
	}
	c, key, rest := firstChange(oldest[h.gone:])
	h.floor = c.revision + 1
	h.count--
	h.bytes -= len(key)
	if h.gone = len(oldest) - len(rest); len(rest) == 0 { // never all of the newest piece
		h.full, h.gone = h.full[1:], 0
	}
}

// from visits the changes from a revision on, which is not below the floor, until do says no.
func (h *history) from(revision uint64, do func(c *keyChange) bool) {
	h.visit(revision, func(c keyChange, key []byte) bool {
		c.key = string(key)
		return do(&c)
	})
}

// visit is from for those who do not keep the keys, which are in the memory of the history.
func (h *history) visit(revision uint64, do func(c keyChange, key []byte) bool) {
	first, _ := slices.BinarySearchFunc(h.full, revision, func(p piece, revision uint64) int {
		return cmp.Compare(p.newest, revision)
	})
	for i := first; i <= len(h.full); i++ {
		rest := h.last.changes
		if i < len(h.full) {
			rest = h.full[i].changes
		}
		for len(rest) > 0 {
			var c keyChange
			var key []byte
			if c, key, rest = firstChange(rest); c.revision < revision {
				continue
			}
			if !do(c, key) {
				return
			}
		}
	}
}

// newest gives the revision of the last change, 0 when none is kept.
func (h *history) newest() uint64 { return h.last.newest }

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
	wordHSet
	wordHDel
	wordHIncrBy
	wordHIncrByFloat
	wordSAdd
	wordSRem
	wordSPop
	wordSInterStore
	wordSUnionStore
	wordSDiffStore
	wordLPush
	wordRPush
	wordLPop
	wordRPop
	wordLInsert
	wordLSet
	wordLRem
	wordLTrim
	wordZAdd
	wordZIncr
	wordZRem
	wordZPopMin
	wordZPopMax
	wordZRangeStore
	wordZUnionStore
	wordZInterStore
	wordZDiffStore
	wordZRemRangeByRank
	wordZRemRangeByScore
	wordZRemRangeByLex
	wordSortStore
)

var words = [...]string{"", "set", "append", "setrange", "incrby", "incrbyfloat", "expire", "persist", "del",
	"expired", "rename_from", "rename_to", "copy_to", "flushall", "hset", "hdel", "hincrby", "hincrbyfloat",
	"sadd", "srem", "spop", "sinterstore", "sunionstore", "sdiffstore",
	"lpush", "rpush", "lpop", "rpop",
	"linsert", "lset", "lrem", "ltrim",
	"zadd", "zincr", "zrem",
	"zpopmin", "zpopmax", "zrangestore", "zunionstore", "zinterstore", "zdiffstore", "zremrangebyrank",
	"zremrangebyscore", "zremrangebylex", "sortstore"}

// String gives the word, "" for a number that is none.
func (w word) String() string {
	if int(w) < len(words) {
		return words[w]
	}
	return ""
}
