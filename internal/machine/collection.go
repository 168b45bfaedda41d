package machine

import "github.com/caucus-project/caucus"

// What the commands about collections share. They look first, by query.body or query.table, and answer if
// there is nothing to do. What changes something is an edit, and done tells of it.

// body finds what a key of a kind holds, to read it; nil when there is no such key.
func (q *query) body(key string, is kind) (*body, *caucus.Error) {
	it, ok := q.item(key)
	switch {
	case !ok:
		return nil, nil
	case it.kind != is:
		return nil, wrongType()
	}
	return q.s.keys.bodyOf(it.value), nil
}

// wrongType is the answer of a command about another kind than that of its key.
func wrongType() *caucus.Error {
	return caucus.Errorf(caucus.ErrWrongType, "Operation against a key holding the wrong kind of value")
}

// empty stands for the table of a key that does not exist.
var empty = new(table)

// table finds the table of a key, to read it.
func (q *query) table(key string, is kind) (*table, *caucus.Error) {
	b, err := q.body(key, is)
	if b == nil {
		return empty, err
	}
	return b.table(), nil
}

// edit is a collection that is being changed: that of a key, or a new one.
type edit struct {
	*body
	m      *Machine
	it     item
	before int64 // what its elements were counted with
	fresh  bool
}

// edit begins to change what a key holds, which must be of that kind or nothing. What comes of it must have
// an element, unless there was one before, and done must be told of it.
func (m *Machine) edit(key string, is kind) *edit {
	it, ok := m.keys.find(key)
	if !ok {
		it = item{key: key}
		return &edit{body: newBody(is, m.keys.hashing), m: m, it: it, fresh: true}
	}
	b := m.keys.mutable(it.value)
	return &edit{body: b, m: m, it: it, before: b.weight()}
}

// done gives the key a new revision and tells of the change by the given word. Without its last element a
// key is no more, which is a change of its own.
func (e *edit) done(w word) {
	k := &e.m.keys
	if e.fresh {
		e.it.value = k.adopt(e.m.counter+1, e.body)
		e.m.work.spent += e.weight()
	} else {
		k.memory += e.weight() - e.before
		e.m.work.spent += max(e.weight()-e.before, e.before-e.weight())
	}
	e.fresh, e.before = false, e.weight()
	e.m.put(w, e.it.key, e.it.value, e.it.expireAt)
	if e.len() == 0 {
		e.m.remove(wordDel, e.it.key)
	}
}

// rng makes a generator for a read. What it draws with is a function of the request, of its place in it, and
// of the time, because the answer may be kept for a request that is asked again, and then must be the same on
// every node (SAFETY A15).
func (q *query) rng() draw {
	rng := draw(q.now)
	for _, n := range []uint64{q.op.Conn, q.op.Request, q.op.Once, q.place} {
		rng = draw(rng.next() ^ n)
	}
	return rng
}
