package node

import (
	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/talk"
)

// news tells those who wait at this node which keys have changed. While nobody waits it costs a look for each
// step. Only the owner's goroutine tells.
type news struct {
	hub  *feed.Hub // of its own: what is told here is for no client
	told uint64    // revision up to which all was told, or nobody was there to be told
}

// tell tells what has changed since it was called last. Who begins to listen afterwards reads a state in
// which that is done.
func (n *news) tell(s *machine.Machine) {
	counter := s.Counter()
	if counter == n.told {
		return
	}
	if !n.hub.Heard(talk.ChangesChannel) {
		n.told = counter
		return
	}
	what := talk.News{After: n.told, UpTo: counter}
	known := s.ChangedAfter(n.told, func(c machine.Changed) bool {
		what.Vague = what.Vague || c.All
		return what.Add(c.Key)
	})
	if what.Vague = what.Vague || !known; what.None() {
		return
	}
	n.told = counter
	n.hub.Publish(talk.ChangesChannel, what.Payload())
}
