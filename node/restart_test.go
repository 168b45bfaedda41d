package node_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// files counts what this process has open; 0 where nobody tells.
func files(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Log("open files are not counted:", err)
	}
	return len(list)
}

// leavesNothing calls f and looks whether goroutines or open files are left.
func leavesNothing(t *testing.T, f func()) {
	t.Helper()
	before, running := files(t), goleak.IgnoreCurrent()
	f()
	if err := goleak.Find(running); err != nil {
		t.Error(err)
	}
	nodetest.Eventually(t, "all files are closed", func() bool { return files(t) <= before })
}

// Nodes of one process stop and start again, one by one and together, while they lead and while the
// others work, and in the end nothing is left of them. A kill, which leaves no time to stop, ends the
// whole process: the tests of processes have that.
func TestNodesLeaveNothingBehind(t *testing.T) {
	ctx := within(t)
	leavesNothing(t, func() {
		cfgs := make([]node.Config, 3)
		nodes := make([]*node.Node, 3)
		start := func(i int) {
			t.Helper()
			var err error
			if nodes[i], err = node.Open(ctx, cfgs[i]); err != nil {
				t.Error(err)
				runtime.Goexit()
			}
			cfgs[i].Listen, cfgs[i].PeerListen, _ = nodes[i].Addresses()
		}
		stop := func(i int) {
			t.Helper()
			if err := nodes[i].Close(); err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		}
		for i := range cfgs {
			cfgs[i] = node.Config{Name: fmt.Sprint("n", i), Data: t.TempDir(), Listen: "127.0.0.1:0",
				PeerListen: "127.0.0.1:0", HTTP: "127.0.0.1:0",
				OnLeader:   func(ctx context.Context, _ *node.Node, _ uint64) { <-ctx.Done() },
				OnFollower: func(*node.Node, node.Peer) {}}
			if i > 0 {
				cfgs[i].Join = []string{cfgs[0].Listen}
			}
			start(i)
		}
		for round := range 3 {
			leads(t, nodes...)
			stop(round)
			for k := range nodes {
				if _, err := nodes[k].Propose(ctx, "INCR", "n"); (err != nil) != (k == round) {
					t.Errorf("node %d while %d is stopped: %v", k, round, err)
				}
			}
			start(round)
		}
		leads(t, nodes...)
		for i := range nodes {
			stop(i)
		}
		var starting sync.WaitGroup
		for i := range nodes { // none of them works before another is there
			starting.Go(func() { start(i) })
		}
		if starting.Wait(); t.Failed() {
			return
		}
		leader := leads(t, nodes...)
		if r, err := leader.Propose(ctx, "GET", "n"); err != nil || r.Text() != "6" {
			t.Errorf("after all that there are %v, %v", r, err)
		}
		for i := range nodes {
			stop(i)
		}
	})
}

// An Open that is given up leaves nothing either, wherever it was, and another one succeeds.
func TestOpenGivenUpLeavesNothing(t *testing.T) {
	cfg := node.Config{Name: "n1", Data: t.TempDir(), Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0",
		HTTP: "off", OnLeader: func(ctx context.Context, _ *node.Node, _ uint64) { <-ctx.Done() }}
	waits := cfg
	waits.Data, waits.Listen = t.TempDir(), nodetest.FreeAddress(t)
	waits.Peers = []node.Peer{{Name: "n2", Addr: nodetest.FreeAddress(t)}}
	leavesNothing(t, func() {
		for _, patience := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond,
			100 * time.Millisecond, 400 * time.Millisecond} {
			for _, cfg := range []node.Config{cfg, waits} {
				ctx, cancel := context.WithTimeout(within(t), patience)
				n, err := node.Open(ctx, cfg)
				cancel()
				if err == nil {
					err = n.Close()
				} else if errors.Is(err, context.DeadlineExceeded) {
					err = nil
				}
				if err != nil {
					t.Errorf("given up after %v: %v", patience, err)
				}
			}
		}
		n, err := node.Open(within(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		leads(t, n)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}
