package machine

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/caucus-project/caucus/internal/fields"
	"github.com/tidwall/btree"
)

// table is the fields of a hash with their values, or the members of a set, in the order of the hash that
// orders keys too, so that a cursor of HSCAN or SSCAN is as good on every node as one of SCAN (SAFETY B10).
type table struct {
	hashing
	slots btree.Map[uint64, slot]
	count int
	bytes int64 // of fields and values
}

// slot is all fields of one hash, by their bytes, in one piece of memory: nearly always one. As a chain of
// keys it is never changed, only replaced. Each field in it is
//
//	length of the field, length of the value (varints), the field, the value
type slot string

// first takes the first field off a slot that has one.
func (s slot) first() (field, value string, rest slot) {
	r := fields.StringReader(string(s))
	fieldSize, valueSize := int(r.Uvarint()), int(r.Uvarint())
	field, value = r.Take(fieldSize), r.Take(valueSize)
	return field, value, s[len(s)-r.Len():]
}

// find finds a field.
func (s slot) find(field string) (value string, ok bool) {
	for s != "" {
		var name string
		if name, value, s = s.first(); name == field {
			return value, true
		}
	}
	return "", false
}

// take finds a field and gives the slot without it.
func (s slot) take(field string) (value string, rest slot, ok bool) {
	for at := s; at != ""; {
		before := s[:len(s)-len(at)]
		var name string
		if name, value, at = at.first(); name == field {
			return value, before + at, true
		}
	}
	return "", s, false
}

// with gives the slot with a field that it does not have yet. It is a copy: what a command brings shares the
// memory of its entry.
func (s slot) with(field, value string) slot {
	at := 0
	for at < len(s) {
		name, _, rest := s[at:].first()
		if name > field {
			break
		}
		at = len(s) - len(rest)
	}
	var room [2 * binary.MaxVarintLen64]byte
	head := fields.Uvarint(fields.Uvarint(room[:0], uint64(len(field))), uint64(len(value)))
	var b strings.Builder
	b.Grow(len(s) + len(head) + len(field) + len(value))
	b.WriteString(string(s[:at]))
	b.Write(head)
	b.WriteString(field)
	b.WriteString(value)
	b.WriteString(string(s[at:]))
	return slot(b.String())
}

// get finds the value of a field.
func (t *table) get(field string) (value string, ok bool) {
	if t.count == 0 {
		return "", false
	}
	s, _ := t.slots.Get(t.hash(field))
	return s.find(field)
}

// has says whether there is a field.
func (t *table) has(field string) bool {
	_, ok := t.get(field)
	return ok
}

// set gives a field a value, and says whether the field is new.
func (t *table) set(field, value string) (added bool) {
	h := t.hash(field)
	t.bytes += int64(len(field) + len(value))
	t.count++
	s, taken := t.slots.Set(h, slot("").with(field, value))
	if !taken {
		return true
	}
	before, rest, had := s.take(field)
	if had {
		t.bytes -= int64(len(field) + len(before))
		t.count--
	}
	if rest != "" {
		t.slots.Set(h, rest.with(field, value))
	}
	return !had
}

// drop takes a field out, and says whether it was there.
func (t *table) drop(field string) bool {
	h := t.hash(field)
	s, _ := t.slots.Get(h)
	value, rest, ok := s.take(field)
	if !ok {
		return false
	}
	if rest != "" {
		t.slots.Set(h, rest)
	} else {
		t.slots.Delete(h)
	}
	t.count--
	t.bytes -= int64(len(field) + len(value))
	return true
}

// from visits the fields in order, beginning at a hash, until do says no.
func (t *table) from(hash uint64, do func(hash uint64, field, value string) bool) {
	t.slots.Ascend(hash, func(h uint64, s slot) bool {
		for s != "" {
			var field, value string
			if field, value, s = s.first(); !do(h, field, value) {
				return false
			}
		}
		return true
	})
}

// sorted gives all fields by their bytes, which is the order in which clients see them (SAFETY C9).
func (t *table) sorted() []element {
	all := make([]element, 0, t.count)
	t.each(func(e element) bool {
		all = append(all, e)
		return true
	})
	slices.SortFunc(all, byScoreAndName)
	return all
}

// byScoreAndName orders elements by their scores, those of one score, as of a table, by their bytes.
func byScoreAndName(a, b element) int {
	return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.name, b.name))
}

// draw gives a field at random, of a table that has one.
func (t *table) draw(rng *draw) (field, value string) {
	_, s, _ := t.slots.GetAt(int(rng.next() % uint64(t.slots.Len())))
	field, value, s = s.first()
	for s != "" && rng.next()&1 == 1 {
		field, value, s = s.first()
	}
	return field, value
}

func (t *table) share() elements {
	c := *t
	c.slots = share(&t.slots)
	return &c
}

func (t *table) len() int { return t.count }

func (t *table) weight() int64 { return int64(t.count)*elementBytes + t.bytes }

func (t *table) each(do func(element) bool) {
	t.from(0, func(_ uint64, field, value string) bool { return do(element{name: field, value: value}) })
}

func (t *table) follows(e element) bool {
	h, s, ok := t.slots.Max()
	last := ""
	for s != "" {
		last, _, s = s.first()
	}
	at := t.hash(e.name)
	return !ok || at > h || at == h && e.name > last
}

func (t *table) add(e element) bool { return t.set(e.name, e.value) }
