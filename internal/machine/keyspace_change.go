package machine

import (
	"math"
	"strings"

	"github.com/tidwall/btree"
)

// put gives a key a value and an end, 0 for none, and a new revision. An end that has come removes the key at
// once, as if it had expired right after.
func (m *Machine) put(key string, v value, expireAt int64) {
	it := item{key: strings.Clone(key), value: v, expireAt: expireAt}
	if it.over(m.now) {
		m.remove(key)
		return
	}
	it.revision = m.next()
	old := m.keys.set(it)
	m.rearm(it.key, old.expireAt, expireAt)
}

// remove takes a key away and remembers that it did (SAFETY B8).
func (m *Machine) remove(key string) bool {
	old, ok := m.keys.drop(key)
	if !ok {
		return false
	}
	m.rearm(old.key, old.expireAt, 0)
	m.keys.removals.note(m.keys.hash(key), m.next())
	return true
}

// expireKey removes a key whose end has come.
func (m *Machine) expireKey(key string) {
	m.remove(key)
	m.counts.Keys++
}

// rearm moves a key's end in the queue of what falls due.
func (s *state) rearm(key string, before, after int64) {
	if before == after {
		return
	}
	if before != 0 {
		s.disarm(endOf(key, before))
	}
	if after != 0 {
		s.arm(endOf(key, after))
	}
}

// farAway is the last end that is waited for, tens of thousands of years ahead. It leaves those who reckon
// with stamps room to add to them.
const farAway = math.MaxInt64 / 4 / 1000

// endOf gives the place in the queue of a key's end.
func endOf(key string, expireAt int64) deadline {
	return deadline{at: min(expireAt, farAway) * 1000, kind: keyExpires, name: key}
}

// clear removes all keys. Instead of remembering each, it lets go of the memory of all removals, so that
// whoever watches an absent key is told that it may have been one of them.
func (m *Machine) clear() {
	k := &m.keys
	k.items = btree.Map[uint64, item]{}
	k.count, k.expiring, k.memory = 0, 0, 0
	k.removals = removals{forgotten: m.next()}
	kept := newDeadlines()
	m.deadlines.Scan(func(d deadline) bool {
		if d.kind != keyExpires {
			kept.Set(d)
		}
		return true
	})
	m.deadlines = kept
}
