package replica

import (
	"maps"
	"slices"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// stranded is the leader's eye on sessions whose connection lies within a node's own process, that of
// the node itself among them. When the process dies nobody sees such a connection close, so the leader
// says so when it knows that the process is dead (SAFETY A6).
type stranded struct {
	inside map[entry.Session]*watched
	due    int64 // when it is looked next, monotonic
}

// see notes a session that may be stranded one day. One with GRACE 0 promises its holder all of its
// TTL, which a node that only seems to be dead may still rely on, so silence alone ends it (SAFETY A4).
func (s *stranded) see(w *watched) {
	if w.Inside && !w.Drop && w.Grace > 0 {
		s.inside[w.ID] = w
	} else {
		delete(s.inside, w.ID)
	}
}

// decide logs the drop of the sessions whose process is dead, each once under its attachment. It looks at
// once when a node was lost, else with each heartbeat.
func (s *stranded) decide(r *Replica, l *leadership) {
	if r.now.Mono < s.due {
		return
	}
	s.due = r.now.Mono + r.cfg.Heartbeat
	ids := slices.Collect(maps.Keys(s.inside))
	sortSessions(ids)
	for _, id := range ids {
		w := s.inside[id]
		if w.ending || r.runs(w.Node, w.Boot) {
			continue
		}
		w.ending = true
		l.notes = append(l.notes, machine.Drop(w.ID, w.Attach))
	}
}

// runs says whether, for all that is known here, a node runs under that boot.
func (r *Replica) runs(id uint64, boot entry.Boot) bool {
	n, ok := r.m.Node(id)
	return ok && n.Boot == boot && !r.gone[id]
}
