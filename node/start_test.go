package node

import (
	"errors"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
)

// A node that is turned away while it still starts stops all that it has begun, and lets go of its directory.
func TestTurnedAwayWhileItStarts(t *testing.T) {
	away := errors.New("turned away")
	n := bareNode(Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off"})
	n.cfg.clock = func() replica.Time {
		if n.owner == nil && n.peers.Identity().ID != 0 { // peers know who it is, and nothing runs yet
			n.fail(away)
			select {
			case <-n.done:
			case <-time.After(100 * time.Millisecond): // it waits for the start
			}
		}
		return clocks()
	}
	if _, err := n.begin(t.Context()); err != nil && !errors.Is(err, away) {
		t.Errorf("it says %v", err)
	}
	for what, ended := range map[string]<-chan struct{}{"the owner": n.owner.quit, "the node": n.done} {
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s runs on", what)
		}
	}
	if !errors.Is(n.Err(), away) {
		t.Errorf("it stopped because of %v", n.Err())
	}
	lock, err := datadir.Acquire(vfs.OS{}, n.cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}
