package node

import (
	"strings"

	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/waist"
)

// keyEvents tells clients of this node what became of keys: those who cache what they have read (CLIENT
// TRACKING), and those who listen to the channels of keyspace notifications. Every node tells its own clients
// of what it applies. Only who steps the replica tells.
type keyEvents struct {
	hub   *feed.Hub
	begun bool
	told  uint64 // revision up to which all was told, or nobody was there to be told
}

// tell tells what has changed since it was called last.
func (k *keyEvents) tell(s *machine.Machine) {
	counter, after, begun := s.Counter(), k.told, k.begun
	k.told, k.begun = counter, true
	if counter == after {
		return
	}
	notify, tracked := s.Notify(), k.hub.Heard(waist.TrackAll)
	if !begun || notify == "" && !tracked {
		return // who listens from now on reads a state in which that is done
	}
	known := s.ChangedAfter(after, func(c machine.Changed) bool {
		switch {
		case c.All:
			k.hub.Publish(waist.TrackAll, "")
		case tracked:
			k.hub.Publish(waist.TrackChannels+c.Key, "")
		}
		k.notify(notify, c)
		return true
	})
	if !known {
		k.hub.Publish(waist.TrackAll, "")
	}
}

// notify publishes an event on the two channels that Redis has for it, as far as the setting says so.
func (k *keyEvents) notify(setting string, c machine.Changed) {
	has := func(letter byte) bool { return strings.IndexByte(setting, letter) >= 0 }
	if c.Class == 0 || !has(c.Class) && !has('A') {
		return
	}
	if has('K') {
		k.hub.Publish("__keyspace@0__:"+c.Key, c.Event)
	}
	if has('E') {
		k.hub.Publish("__keyevent@0__:"+c.Event, c.Key)
	}
}
