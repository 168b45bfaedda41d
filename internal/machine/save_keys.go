package machine

import (
	"errors"
	"fmt"
	"math"

	"github.com/caucus-project/caucus/internal/fields"
)

// The rows of keys. Those of what is in a body follow the row of its key, and each begins with a byte that is
// no kind.
const elementRow = 0

func saveKeys(w *saver, s *state) {
	s.keys.from(0, func(_ uint64, it *item) bool {
		row := append(w.head, byte(it.kind))
		row = fields.Uvarint(row, it.revision)
		row = fields.Uvarint(row, uint64(it.expireAt))
		row = fields.String(row, it.key)
		if !it.kind.hasBody() {
			w.row(row, it.text)
			return w.err == nil
		}
		b := s.keys.bodyOf(it.value)
		w.row(fields.Bool(fields.Uvarint(row, it.id()), b.large), "")
		b.each(func(e element) bool {
			saveElement(w, b.is, e)
			return w.err == nil
		})
		return w.err == nil
	})
}

func saveElement(w *saver, is kind, e element) {
	row := append(w.head, elementRow)
	switch is {
	case kindHash:
		w.row(fields.String(row, e.name), e.value)
	case kindSet:
		w.row(row, e.name)
	case kindList:
		w.row(row, e.value)
	case kindZset:
		w.row(append(row, scoreText(e.score)...), e.name)
	}
}

func loadElement(r *fields.Reader, is kind) (e element) {
	switch is {
	case kindHash:
		e.name, e.value = r.String(), r.Take(r.Len())
	case kindSet:
		e.name = r.Take(r.Len())
	case kindList:
		e.value = r.Take(r.Len())
	case kindZset:
		if bits := r.Take(8); r.Err() == nil {
			e.score = scoreOf(bits)
		}
		e.name = r.Take(r.Len())
	}
	return e
}

func loadKey(r *fields.Reader, s *state) error {
	k := kind(r.Byte())
	switch {
	case r.Err() != nil:
		return nil
	case k == elementRow:
		return loadElementOf(r, s)
	case k.name() == "":
		return fmt.Errorf("a key has a value of type %d, which this version does not know; "+
			"start the version that wrote it, or a newer one", k)
	}
	revision, expireAt := r.Uvarint(), r.Uvarint()
	it := item{key: r.String(), revision: revision, expireAt: int64(expireAt)}
	id, large := uint64(0), false
	if it.value = text(""); k.hasBody() {
		id, large = r.Uvarint(), r.Bool()
	} else {
		it.text = r.Take(r.Len())
	}
	_, taken := s.keys.bodies.Get(id)
	switch {
	case r.Err() != nil:
		return nil
	case expireAt > math.MaxInt64:
		return errors.New("a key's end is out of range")
	case !s.keys.isLast(it.key):
		return errors.New("the keys are not in order")
	case k.hasBody() && (taken || id == 0 || id > s.counter):
		return fmt.Errorf("a value has the id %d, which is no other's and at most %d", id, s.counter)
	}
	if k.hasBody() {
		b := newBody(k, s.keys.hashing)
		b.large = large
		it.value = s.keys.adopt(id, b)
	}
	s.rearm(it.key, 0, it.expireAt)
	s.keys.set(&it)
	return nil
}

// loadElementOf takes an element of the last key.
func loadElementOf(r *fields.Reader, s *state) error {
	_, c, _ := s.keys.items.Max()
	last := c.last()
	if !last.kind.hasBody() {
		return errors.New("an element follows no key that could have it")
	}
	b := s.keys.mutable(last.value)
	e := loadElement(r, last.kind)
	switch {
	case r.Err() != nil:
		return nil
	case math.IsNaN(e.score):
		return errors.New("a score is no number")
	case !b.follows(e):
		return errors.New("the elements of a key are not in order")
	}
	before := b.weight()
	b.add(e)
	s.keys.memory += b.weight() - before
	return nil
}

// isLast says whether a key comes after all that are there.
func (k *keyspace) isLast(key string) bool {
	h, c, ok := k.items.Max()
	at := k.hash(key)
	return !ok || at > h || at == h && key > c.last().key
}

// sound says whether every body has an element, once all are there.
func (k *keyspace) sound() error {
	bare := false
	k.bodies.Scan(func(_ uint64, b *body) bool {
		bare = b.len() == 0
		return !bare
	})
	if bare {
		return errors.New("a key has a value without elements")
	}
	return nil
}
