package node_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/node"
)

// failing is a disk whose syncs fail once it is told so.
type failing struct {
	vfs.FS
	broken *atomic.Bool
}

func (d failing) Open(path string) (vfs.File, error) {
	f, err := d.FS.Open(path)
	return failingFile{f, d.broken}, err
}

type failingFile struct {
	vfs.File
	broken *atomic.Bool
}

var errBroken = errors.New("input/output error")

func (f failingFile) Sync() error {
	if f.broken.Load() {
		return errBroken
	}
	return f.File.Sync()
}

// SAFETY B5: a node whose sync failed stops and says so, although the next sync would succeed; the
// process that it is embedded in lives on, and so does another node in it.
func TestB5FailedSyncEndsTheNodeAlone(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), nodetest.Patience)
	defer cancel()
	broken := &atomic.Bool{}
	cfg := node.Config{Name: "bad", Data: t.TempDir(), Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0",
		HTTP: "off", RequestTimeout: time.Second}
	bad, err := node.OpenOn(ctx, cfg, failing{vfs.OS{}, broken})
	if err != nil {
		t.Fatal(err)
	}
	good := nodetest.InProcess(t, 1, nil)[0]
	addr, _, _ := bad.Addresses()
	if _, err := nodetest.Ask(addr, "SET", "k", "1"); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	if _, err := nodetest.Ask(addr, "SET", "k", "2"); err == nil {
		t.Fatal("a write that is not on the disk was acknowledged")
	}
	broken.Store(false)
	select {
	case <-bad.Done():
	case <-ctx.Done():
		t.Fatal("it goes on")
	}
	const why = "the log cannot be written"
	if err := bad.Err(); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), why) {
		t.Errorf("it says %v", err)
	}
	if err := bad.Close(); !errors.Is(err, errBroken) {
		t.Errorf("closed, it says %v", err)
	}
	addr, _, _ = good.Addresses()
	if _, err := nodetest.Ask(addr, "SET", "k", "1"); err != nil {
		t.Errorf("the other node in the process: %v", err)
	}
}

// hanging is a disk whose syncs do not return while it is held.
type hanging struct {
	vfs.FS
	held *sync.RWMutex
}

func (d hanging) Open(path string) (vfs.File, error) {
	f, err := d.FS.Open(path)
	return hangingFile{f, d.held}, err
}

type hangingFile struct {
	vfs.File
	held *sync.RWMutex
}

func (f hangingFile) Sync() error {
	f.held.RLock()
	defer f.held.RUnlock()
	return f.File.Sync()
}

// SAFETY B5: a follower whose disk hangs answers those who wait for an event as well, however long they
// wanted to.
func TestB5WhoWaitsForAnEventIsAnswered(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), nodetest.Patience)
	defer cancel()
	lead := nodetest.InProcess(t, 1, nil)[0]
	at, _, _ := lead.Addresses()
	held := &sync.RWMutex{}
	slow, err := node.OpenOn(ctx, node.Config{Name: "slow", Data: t.TempDir(), Listen: "127.0.0.1:0",
		PeerListen: "127.0.0.1:0", HTTP: "off", Join: []string{at}}, hanging{vfs.OS{}, held})
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	nodetest.Eventually(t, "two nodes", func() bool {
		reply, err := nodetest.Ask(at, "INFO", "ensemble")
		return err == nil && strings.Contains(reply.Text(), "voters:2")
	})
	if _, err := nodetest.Ask(at, "GROUP", "CREATE", "g"); err != nil {
		t.Fatal(err)
	}
	addr, _, _ := slow.Addresses()
	line, err := nodetest.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	info, err := line.Do("GROUP", "INFO", "g")
	if err != nil {
		t.Fatal(err)
	}
	next := fmt.Sprint(info.Field("seq").Int + 1)
	if err := line.Send(caucus.Command{"GROUP", "EVENTS", "g", "FROM", next, "BLOCK", "0"}); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "somebody who waits", func() bool { return slow.Waiting() == 1 })
	var write sync.WaitGroup
	defer write.Wait()
	held.Lock()
	defer held.Unlock()
	write.Go(func() { _, _ = nodetest.Ask(at, "SET", "k", "1") }) // both must have it, so it is not answered
	if reply, err := line.Read(); err != nil || !errors.Is(reply.Err(), caucus.ErrTryAgain) ||
		!strings.Contains(reply.Str, "the disk of this node does not answer") {
		t.Errorf("who waited was answered %q, %v", reply.Str, err)
	}
}
