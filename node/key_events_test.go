package node

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/waist"
)

// heardAt gives what has come to a subscription, as "channel payload".
func heardAt(ear waist.Subscription) string {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	messages, _ := ear.Next(now)
	var words []string
	for _, m := range messages {
		words = append(words, strings.TrimSpace(m.Channel+" "+m.Payload))
	}
	return strings.Join(words, ", ")
}

// The first change of all is told like any other.
func TestB22_TheFirstChangeIsTold(t *testing.T) {
	s := newStore(t)
	k := &keyEvents{hub: feed.New(feed.Limits{}, time.Now)}
	k.tell(s.Machine)
	ear := k.hub.Watch()
	defer ear.Close()
	ear.Subscribe(waist.TrackAll, waist.TrackChannels+"a")
	s.write("SET", "a", "1")
	k.tell(s.Machine)
	if got := heardAt(ear); got != "caucus:t:a" {
		t.Errorf("heard %q", got)
	}
}

// Who caches keys is told of those that he named, of all at once when all are gone, and when it is not known
// any more which have changed; of nothing that was before.
func TestB22_KeysThatAreCached(t *testing.T) {
	s := newStore(t)
	k := &keyEvents{hub: feed.New(feed.Limits{}, time.Now)}
	s.write("SET", "before", "1")
	k.tell(s.Machine)
	ear := k.hub.Watch()
	defer ear.Close()
	ear.Subscribe(waist.TrackAll, waist.TrackChannels+"a", waist.TrackChannels+"before")
	tell := func(want string) {
		t.Helper()
		k.tell(s.Machine)
		if got := heardAt(ear); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	tell("")
	s.write("MSET", "a", "1", "b", "2")
	tell("caucus:t:a")
	s.write("FLUSHALL")
	tell("caucus:t")
	for n := range 100_001 {
		s.write("SET", fmt.Sprint(n), "1")
	}
	tell("caucus:t")
}
