package machine

import (
	"math"
	"strings"

	"github.com/tidwall/btree"
)

// put gives a key a value and an end, 0 for none, and a new revision, and tells of it by the given word. An
// end that has come removes the key at once, as if it had been deleted right after.
func (m *Machine) put(w word, key string, v value, expireAt int64) {
	it := item{key: key, value: v, expireAt: expireAt}
	if it.over(m.now) {
		m.remove(wordDel, key)
		return
	}
	it.revision = m.next()
	m.work.spent += it.bytes()
	old := m.keys.set(&it)
	m.rearm(key, old.expireAt, expireAt)
	m.history.note(keyChange{it.revision, key, w})
	m.awaited(key, v)
}

// remove takes a key away, tells of it by the given word, and remembers that it did (SAFETY B8).
func (m *Machine) remove(w word, key string) bool {
	old, ok := m.keys.drop(key)
	if !ok {
		return false
	}
	m.rearm(old.key, old.expireAt, 0)
	revision := m.next()
	m.keys.removals.note(m.keys.hash(key), revision)
	m.history.note(keyChange{revision, old.key, w})
	return true
}

// expireKey removes a key whose end has come.
func (m *Machine) expireKey(key string) {
	m.remove(wordExpired, key)
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
		s.arm(endOf(strings.Clone(key), after))
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
// whoever watches an absent key is told that it may have been one of them. One change tells of all keys, if
// there were any.
func (m *Machine) clear() {
	k, revision := &m.keys, m.next()
	if k.count > 0 {
		m.history.note(keyChange{revision, "", wordFlushAll})
	}
	k.items, k.bodies = btree.Map[uint64, chain]{}, bodies{}
	k.count, k.expiring, k.memory = 0, 0, 0
	k.removals = removals{forgotten: revision}
	kept := newDeadlines()
	m.deadlines.Scan(func(d deadline) bool {
		if d.kind != keyExpires {
			kept.Set(d)
		}
		return true
	})
	m.deadlines = kept
}

// forgetHistory begins the history anew: whoever asks for a change of before is told that there is a gap.
func (m *Machine) forgetHistory() { m.history = history{floor: m.counter + 1} }
