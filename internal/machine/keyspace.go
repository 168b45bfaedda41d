package machine

import (
	"encoding/binary"

	"github.com/dchest/siphash"
	"github.com/tidwall/btree"
)

// keyspace holds the keys in the order of a hash that is keyed by the cluster's id, so that a cursor of SCAN
// means the same on every node (SAFETY B10) and nobody outside can choose keys that collide.
type keyspace struct {
	hashing
	items    btree.Map[uint64, chain]
	bodies   bodies // of the keys that hold no string
	count    int
	expiring int   // how many of them have an end
	memory   int64 // bytes, counted in the same way on every node (SAFETY B13)
	removals
}

// hashing is the hash that gives keys, and the elements of some of them, their order.
type hashing struct {
	k0, k1 uint64 // the key of the hash
	shift  uint   // what is cut off the hash to leave 62 bits
}

// item is one key, as it is read from its chain: key and text share the chain's memory, so whoever keeps one
// of them for long should clone it.
type item struct {
	key string
	value
	revision uint64 // from the counter, new at every change
	expireAt int64  // milliseconds since 1970, 0 for never
}

// value is what a key holds: a string's bytes, or the id of a body.
type value struct {
	kind kind
	text string
}

// kind is the type of a value. The numbers stand in snapshots.
type kind uint8

const (
	kindText kind = iota + 1
	kindHash
	kindSet
	kindList
	kindZset
)

// name gives a type as TYPE and SCAN know it.
func (k kind) name() string {
	switch k {
	case kindText:
		return "string"
	case kindHash:
		return "hash"
	case kindSet:
		return "set"
	case kindList:
		return "list"
	case kindZset:
		return "zset"
	}
	return ""
}

// kindNamed gives the kind of a name, 0 when there is none.
func kindNamed(name string) kind {
	for k := kindText; k.name() != ""; k++ {
		if k.name() == name {
			return k
		}
	}
	return 0
}

// text makes the value of a string.
func text(s string) value { return value{kind: kindText, text: s} }

// itemBytes is what a key costs beside its bytes and those of its value: the item in a tree that is two
// thirds full, and two headers of the allocator. It is a convention; what counts is that all nodes have it.
const itemBytes = 128

// bytes gives the memory that an item is counted with, a body aside. A limit on memory is compared with the
// sum, before a write whose row in the table has DenyOOM, so that every node refuses the same one.
func (it *item) bytes() int64 { return itemBytes + int64(len(it.key)) + int64(len(it.text)) }

// over says whether the key's end has come by a clock, in microseconds.
func (it *item) over(now int64) bool { return it.expireAt != 0 && it.expireAt <= now/1000 }

func newKeyspace(cluster [16]byte) keyspace {
	return keyspace{hashing: hashing{
		k0:    binary.LittleEndian.Uint64(cluster[:8]),
		k1:    binary.LittleEndian.Uint64(cluster[8:]),
		shift: 2,
	}}
}

// copy gives a second keyspace that shares everything with the first until either is changed.
func (k *keyspace) copy() keyspace {
	c := *k
	c.items, c.bodies = *k.items.Copy(), share(&k.bodies)
	c.removals = k.removals.copy()
	return c
}

// hash gives the place of a key, or of an element, in the order.
func (h *hashing) hash(key string) uint64 {
	return siphash.Hash(h.k0, h.k1, []byte(key)) >> h.shift
}

// find finds a key.
func (k *keyspace) find(key string) (item, bool) {
	c, _ := k.items.Get(k.hash(key))
	return c.find(key)
}

// set adds an item, or replaces the one of the same key, which it gives. The body of that is let go of,
// unless the new one has it. A search costs more than all else here, so there is one.
func (k *keyspace) set(it *item) (before item) {
	h := k.hash(it.key)
	k.tally(it)
	old, taken := k.items.Set(h, newChain(it))
	if !taken {
		return item{}
	}
	before, rest, ok := old.take(it.key)
	if ok {
		k.uncount(&before)
	}
	if before.kind.hasBody() && before.value != it.value {
		k.free(before.value)
	}
	if rest != "" {
		k.items.Set(h, rest.with(it))
	}
	return before
}

// drop takes a key out, with its body.
func (k *keyspace) drop(key string) (old item, ok bool) {
	h := k.hash(key)
	c, _ := k.items.Get(h)
	old, rest, ok := c.take(key)
	if !ok {
		return old, false
	}
	if rest != "" {
		k.items.Set(h, rest)
	} else {
		k.items.Delete(h)
	}
	k.uncount(&old)
	k.free(old.value)
	return old, true
}

func (k *keyspace) tally(it *item)   { k.account(it, 1) }
func (k *keyspace) uncount(it *item) { k.account(it, -1) }

func (k *keyspace) account(it *item, sign int) {
	k.count += sign
	k.memory += int64(sign) * it.bytes()
	if it.expireAt != 0 {
		k.expiring += sign
	}
}

// from visits the keys in order, beginning at a hash, until do says no. The item is that of the next key
// afterwards.
func (k *keyspace) from(hash uint64, do func(hash uint64, it *item) bool) {
	var it item
	k.items.Ascend(hash, func(h uint64, c chain) bool {
		for c != "" {
			if it, c = c.first(); !do(h, &it) {
				return false
			}
		}
		return true
	})
}

// KeyCount says how many keys there are, and how many of them have an end.
func (s *state) KeyCount() (all, expiring int) { return s.keys.count, s.keys.expiring }

// Memory gives the bytes that the keys and their values, and who waits for them, are counted with (SAFETY
// B13).
func (s *state) Memory() int64 { return s.keys.memory + s.pops.bytes }
