package machine

import (
	"encoding/binary"
	"strings"

	"github.com/caucus-project/caucus/internal/fields"
)

// chain is all keys of one hash, by their bytes, in one piece of memory: nearly always one key. So a key
// costs one allocation, to which the tree has one pointer. A chain is never changed, only replaced (SAFETY
// B12). Each key in it is
//
//	kind (a byte), revision, end, length of the key, length of the text (varints), the key, the text
type chain string

// newChain makes the chain of one key. It is a copy: what a command brings shares the memory of its entry.
func newChain(it *item) chain { return chain("").with(it) }

// first takes the first key off a chain that has one.
func (c chain) first() (it item, rest chain) {
	r := fields.StringReader(string(c))
	it.kind, it.revision, it.expireAt = kind(r.Byte()), r.Uvarint(), int64(r.Uvarint())
	keySize, textSize := int(r.Uvarint()), int(r.Uvarint())
	it.key, it.text = r.Take(keySize), r.Take(textSize)
	return it, c[len(c)-r.Len():]
}

// find finds a key.
func (c chain) find(key string) (it item, ok bool) {
	for c != "" {
		if it, c = c.first(); it.key == key {
			return it, true
		}
	}
	return item{}, false
}

// last gives the last key of a chain that has one.
func (c chain) last() (it item) {
	for c != "" {
		it, c = c.first()
	}
	return it
}

// take finds a key and gives the chain without it.
func (c chain) take(key string) (it item, rest chain, ok bool) {
	for at := c; at != ""; {
		before := c[:len(c)-len(at)]
		if it, at = at.first(); it.key == key {
			return it, before + at, true
		}
	}
	return item{}, c, false
}

// with gives the chain with a key that it does not have yet.
func (c chain) with(add *item) chain {
	at := 0
	for at < len(c) {
		it, rest := c[at:].first()
		if it.key > add.key {
			break
		}
		at = len(c) - len(rest)
	}
	var room [1 + 4*binary.MaxVarintLen64]byte
	head := fields.Uvarint(append(room[:0], byte(add.kind)), add.revision)
	head = fields.Uvarint(head, uint64(add.expireAt))
	head = fields.Uvarint(fields.Uvarint(head, uint64(len(add.key))), uint64(len(add.text)))
	var b strings.Builder
	b.Grow(len(c) + len(head) + len(add.key) + len(add.text))
	b.WriteString(string(c[:at]))
	b.Write(head)
	b.WriteString(add.key)
	b.WriteString(add.text)
	b.WriteString(string(c[at:]))
	return chain(b.String())
}
