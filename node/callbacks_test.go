package node_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// diary is what the nodes of a test were told, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
	busy  map[string]bool // nodes in a call
	twice []string        // calls that overlapped another of the same node
}

func (d *diary) note(n *node.Node, what string, call func()) {
	d.mu.Lock()
	line := n.Name() + " " + what
	d.lines = append(d.lines, line)
	if d.busy[n.Name()] {
		d.twice = append(d.twice, line)
	}
	d.busy[n.Name()] = true
	d.mu.Unlock()
	call()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy[n.Name()] = false
	if what == "leads" {
		d.lines = append(d.lines, n.Name()+" led")
	}
}

// of gives what one node was told.
func (d *diary) of(n *node.Node) (lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range d.lines {
		if what, ok := strings.CutPrefix(line, n.Name()+" "); ok {
			lines = append(lines, what)
		}
	}
	return lines
}

func (d *diary) has(n *node.Node, what string) bool { return slices.Contains(d.of(n), what) }

// keep has a node write the diary. It leads until it is told to stop, and then does last.
func (d *diary) keep(cfg *node.Config, last func(n *node.Node)) {
	cfg.OnStart = func(n *node.Node) { d.note(n, "starts", func() {}) }
	cfg.OnCandidate = func(n *node.Node) { d.note(n, "is a candidate", func() {}) }
	cfg.OnFollower = func(n *node.Node, leader node.Peer) {
		d.note(n, "follows "+leader.Name+" "+leader.Metadata, func() {})
	}
	cfg.OnShutdown = func(n *node.Node) { d.note(n, "ends", func() {}) }
	cfg.OnLeader = func(ctx context.Context, n *node.Node, _ uint64) {
		d.note(n, "leads", func() {
			<-ctx.Done()
			last(n)
		})
	}
}

// The program hears of everything in order, and while it leads and when it ends the node still works.
func TestTheProgramIsTold(t *testing.T) {
	d := &diary{busy: map[string]bool{}}
	works := func(n *node.Node) {
		if _, err := n.Propose(within(t), "SET", "k", "v"); err != nil {
			t.Errorf("a last write: %v", err)
		}
	}
	n := nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) {
		d.keep(cfg, works)
		start, end := cfg.OnStart, cfg.OnShutdown
		cfg.OnStart = func(n *node.Node) {
			works(n)
			if n.IsLeader() {
				t.Error("it leads before it has started")
			}
			start(n)
		}
		cfg.OnShutdown = func(n *node.Node) { works(n); end(n) }
	})[0]
	if !d.has(n, "starts") {
		t.Error("Open returned before OnStart was called")
	}
	nodetest.Eventually(t, "it leads", func() bool { return d.has(n, "leads") })
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	got := d.of(n)
	if !slices.Equal(got[:3], []string{"starts", "is a candidate", "leads"}) ||
		!slices.Equal(got[len(got)-2:], []string{"led", "ends"}) {
		t.Errorf("it was told %q", got)
	}
}

// SAFETY A3, A6: a leader that is closed has stopped before another begins, at once and without an election
// timeout; the followers are told whom they follow.
func TestA6OneLeadsAtATime(t *testing.T) {
	d := &diary{busy: map[string]bool{}}
	nodes := nodetest.InProcess(t, 3, func(i int, cfg *node.Config) {
		cfg.Metadata = fmt.Sprintf(`"%d"`, i)
		d.keep(cfg, func(*node.Node) {})
	})
	for len(nodes) > 1 {
		leader := leads(t, nodes...)
		nodetest.Eventually(t, "all are told", func() bool {
			told := 0
			for _, n := range nodes {
				all := d.of(n)
				last := all[len(all)-1]
				if n == leader && last == "leads" ||
					n != leader && strings.HasPrefix(last, "follows "+leader.Name()+` "`) {
					told++
				}
			}
			return told == len(nodes)
		})
		if err := leader.Close(); err != nil {
			t.Error(err)
		}
		nodes = slices.DeleteFunc(nodes, func(n *node.Node) bool { return n == leader })
		if len(nodes) == 1 {
			break // no majority, so no leader
		}
	}
	nodetest.Eventually(t, "the last is a candidate", func() bool {
		all := d.of(nodes[0])
		return all[len(all)-1] == "is a candidate"
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	leading := ""
	for _, line := range d.lines {
		name, what, _ := strings.Cut(line, " ")
		switch {
		case what == "leads" && leading != "":
			t.Errorf("%s leads while %s does: %q", name, leading, d.lines)
		case what == "leads":
			leading = name
		case what == "led":
			leading = ""
		}
	}
	if len(d.twice) > 0 {
		t.Errorf("told while still being told: %q", d.twice)
	}
}

// Who has nothing more to do leads on all the same, and is called again for the next leadership only.
func TestOnLeaderMayReturn(t *testing.T) {
	var mu sync.Mutex
	var terms []uint64
	nodes := nodetest.InProcess(t, 2, func(i int, cfg *node.Config) {
		if i == 0 {
			cfg.OnLeader = func(_ context.Context, _ *node.Node, term uint64) {
				mu.Lock()
				defer mu.Unlock()
				terms = append(terms, term)
			}
		}
	})
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(terms)
	}
	nodetest.Eventually(t, "it is called", func() bool { return count() >= 1 })
	transfer := func(to int) {
		if _, err := nodes[1].Propose(within(t), "GROUP", "TRANSFER", "nodes", nodes[to].Name()); err != nil {
			t.Fatal(err)
		}
		nodetest.Eventually(t, "the leadership is handed over", nodes[to].IsLeader)
	}
	for calls := count(); calls < 3; calls = count() {
		transfer(1)
		transfer(0)
		nodetest.Eventually(t, "it is called again", func() bool { return count() > calls })
	}
	if !slices.IsSorted(terms) || terms[0] == 0 {
		t.Errorf("the terms were %v", terms)
	}
}

// A leader that does not stop when it is told is waited for by Close, but by the other nodes only for as
// long as it may believe that it leads.
func TestOnLeaderThatDoesNotStop(t *testing.T) {
	stop := make(chan struct{})
	nodes := nodetest.InProcess(t, 2, func(i int, cfg *node.Config) {
		if i == 0 {
			cfg.OnLeader = func(context.Context, *node.Node, uint64) { <-stop }
		}
	})
	nodetest.Eventually(t, "it leads", nodes[0].IsLeader)
	closed := make(chan error)
	go func() { closed <- nodes[0].Close() }()
	nodetest.Eventually(t, "the other leads", nodes[1].IsLeader)
	if nodes[0].IsLeader() {
		t.Error("two lead")
	}
	select {
	case err := <-closed:
		t.Fatalf("closed while it leads: %v", err)
	default:
	}
	close(stop)
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
