package machine

import (
	"slices"

	"github.com/caucus-project/caucus/internal/fields"
	"github.com/tidwall/btree"
)

// body is what a key holds that is no string: its elements. In the key's chain stands only the body's id,
// which is the revision at which the body was made, so that it is the same on every node and never given
// twice. A body is reached for a change by keyspace.mutable only (SAFETY B12).
type body struct {
	is kind
	// large says that Redis would have left the compact form in which it keeps the few and the short. It never
	// goes back, so this is part of the state: OBJECT ENCODING tells it, and the SCAN families go by it.
	large bool
	elements
}

// elements are those of a body, in a type for each way to keep them.
type elements interface {
	// share gives elements that share everything with these until either are changed (SAFETY B12).
	share() elements
	len() int
	// weight gives the bytes that they are counted with, all of them together (SAFETY B13).
	weight() int64
	// each visits them in the order in which a snapshot has them, until do says no.
	each(do func(element) bool)
	// follows says whether an element would come after all that are there.
	follows(element) bool
	// add adds an element, and says whether it was not there yet.
	add(element) bool
}

// element is one of any kind, for those who go through all kinds: a field with its value, a member with its
// score, or the value in a list.
type element struct {
	name, value string
	score       float64
}

// elementBytes is what an element is counted with beside its bytes: its place in a tree that is two thirds
// full, its lengths, and a header of the allocator. It is a convention as itemBytes is.
const elementBytes = 48

// bodyBytes is what a body is counted with beside its elements.
const bodyBytes = 160

// weight gives the bytes that a body is counted with.
func (b *body) weight() int64 { return bodyBytes + b.elements.weight() }

// newBody makes a body without elements, which must get one before anybody sees it.
func newBody(is kind, h hashing) *body {
	b := &body{is: is}
	switch is {
	case kindHash, kindSet:
		b.elements = &table{hashing: h}
	case kindList:
		b.elements = new(list)
	case kindZset:
		b.elements = &ranking{table: table{hashing: h}}
	}
	return b
}

// IsoCopy gives a body that shares everything with the first until either is changed (SAFETY B12).
func (b *body) IsoCopy() *body { return &body{b.is, b.large, b.elements.share()} }

// The limits of Redis' compact forms, by default.
const (
	compactHash  = 512 // fields
	compactSet   = 512 // members, all of them integers
	compactZset  = 128 // members
	compactBytes = 64  // of a field, a value or a member
)

// grown notes that an element has come, which may be what the compact form of Redis does not bear.
func (b *body) grown(name, value string) {
	if b.large {
		return
	}
	switch b.is {
	case kindHash:
		b.large = b.len() > compactHash || len(name) > compactBytes || len(value) > compactBytes
	case kindSet:
		_, err := integer(name)
		b.large = b.len() > compactSet || err != nil
	case kindZset:
		b.large = b.len() > compactZset || len(name) > compactBytes
	}
}

// table gives the elements by their names: all that a hash or a set has, or the members of a sorted set.
func (b *body) table() *table {
	if r, ok := b.elements.(*ranking); ok {
		return &r.table
	}
	return b.elements.(*table)
}

// inOrder gives all elements as people see them: a list as it is, and all else sorted.
func (b *body) inOrder() []element {
	all := make([]element, 0, b.len())
	b.each(func(e element) bool {
		all = append(all, e)
		return true
	})
	if b.is != kindList {
		slices.SortFunc(all, byScoreAndName)
	}
	return all
}

// encoding gives the form in which Redis would keep the body.
func (b *body) encoding() string {
	switch {
	case b.is == kindZset && b.large:
		return "skiplist"
	case b.large:
		return "hashtable"
	case b.is == kindSet:
		return "intset"
	case b.is == kindList:
		return "quicklist"
	}
	return "listpack"
}

// hasBody says whether what a key holds of that kind is a body.
func (k kind) hasBody() bool { return k > kindText }

// inBody makes the value of a key whose body has an id.
func inBody(is kind, id uint64) value { return value{is, string(fields.Uvarint(nil, id))} }

// id gives the id of the body that a value has.
func (v value) id() uint64 {
	r := fields.StringReader(v.text)
	return r.Uvarint()
}

// bodyOf finds the body of a value to read it.
func (k *keyspace) bodyOf(v value) *body {
	b, _ := k.bodies.Get(v.id())
	return b
}

// mutable finds the body of a value to change it.
func (k *keyspace) mutable(v value) *body {
	b, _ := k.bodies.GetMut(v.id())
	return b
}

// adopt takes in a body that no key has yet, and gives what its key must be given next.
func (k *keyspace) adopt(id uint64, b *body) value {
	k.bodies.Set(id, b)
	k.memory += b.weight()
	return inBody(b.is, id)
}

// free lets go of the body of a value, if it has one, and gives it.
func (k *keyspace) free(v value) *body {
	if !v.kind.hasBody() {
		return nil
	}
	b, ok := k.bodies.Delete(v.id())
	if ok {
		k.memory -= b.weight()
	}
	return b
}

// bodies are kept by their ids.
type bodies = btree.Map[uint64, *body]
