package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// opWatch is the read by which a node notes what a transaction will depend on. Its arguments are keys; it
// answers a revision and whether the key is present for each, for an absent one the store's revision.
const opWatch = ".watch"

func watch(q *query) caucus.Reply {
	items := make([]caucus.Reply, 0, 2*len(q.args))
	for _, key := range q.args[1:] {
		revision := q.s.counter
		it, present := q.s.keys.find(key)
		if present {
			revision = it.revision
		}
		items = append(items, caucus.Int(int64(revision)), caucus.Truth(present))
	}
	return caucus.Array(items...)
}

// watchesHold says whether all that a transaction depends on is as it was: a present key by its revision, an
// absent one by still being absent and not having been removed since (SAFETY B8).
func (s *state) watchesHold(ws []entry.Watch) bool {
	for _, w := range ws {
		it, present := s.keys.find(w.Key)
		switch {
		case present != w.Present:
			return false
		case present && it.revision != w.Revision:
			return false
		case !present && s.keys.removals.after(w.Revision, s.keys.hash(w.Key)):
			return false
		}
	}
	return true
}
