package node_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/waist"
	"github.com/caucus-project/caucus/node"
)

// leads waits until one of the nodes leads, and the others know which.
func leads(t *testing.T, nodes ...*node.Node) (leader *node.Node) {
	t.Helper()
	nodetest.Eventually(t, "one node leads, and all know which", func() bool {
		leader = nil
		for _, n := range nodes {
			if n.IsLeader() {
				leader = n
			}
		}
		return leader != nil && !slices.ContainsFunc(nodes, func(n *node.Node) bool {
			p, ok := n.Leader()
			return !ok || p.Name != leader.Name()
		})
	})
	return leader
}

// SAFETY A6: all nodes are in one group, whose leader is the ensemble's, and who leads is told with his
// address and metadata.
func TestA6NodesHaveOneLeader(t *testing.T) {
	nodes := nodetest.InProcess(t, 3, func(i int, cfg *node.Config) {
		cfg.Metadata = fmt.Sprintf(`{"server_port":%d}`, 8001+i)
	})
	leader := leads(t, nodes...)
	i := slices.Index(nodes, leader)
	addr, _, _ := leader.Addresses()
	want := node.Peer{Name: leader.Name(), Addr: addr, Metadata: fmt.Sprintf(`{"server_port":%d}`, 8001+i)}
	for _, n := range nodes {
		if got, ok := n.Leader(); !ok || got != want {
			t.Errorf("%s says that %+v leads, %v; it is %+v", n.Name(), got, ok, want)
		}
		if _, ok := n.Term(); ok != (n == leader) {
			t.Errorf("%s has a term: %v", n.Name(), ok)
		}
		peers := n.Peers()
		names := []string{peers[0].Name, peers[1].Name, peers[2].Name}
		if !slices.Equal(names, []string{"n1", "n2", "n3"}) || !slices.Contains(peers, want) {
			t.Errorf("%s has the peers %+v", n.Name(), peers)
		}
	}
	if host, port := want.Host(), want.Port(); fmt.Sprintf("%s:%d", host, port) != addr {
		t.Errorf("%s is at %s, port %d", addr, host, port)
	}
	members, err := nodes[0].Client().Members(within(t), "nodes")
	if err != nil || len(members) != 3 || members[i].Metadata != want.Metadata || !members[i].Leader {
		t.Errorf("the group has %+v, %v", members, err)
	}
	if r, err := nodes[0].Propose(within(t), "GROUP", "LIST"); err != nil || r.Items[0].Text() != "nodes" {
		t.Errorf("the groups are %v, %v", r, err)
	}
}

// A write that is guarded by the leadership is applied while it lasts, and not after.
func TestTermGuardsWrites(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	old := leads(t, nodes...)
	term, ok := old.Term()
	if !ok {
		t.Fatal("its belief is over")
	}
	addr, _, _ := old.Addresses()
	guarded := func() string {
		line, err := nodetest.Dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer line.Close()
		for _, cmd := range []string{"MULTI", fmt.Sprint("GUARD nodes TERM ", term), "SET k v"} {
			if _, err := line.Do(strings.Fields(cmd)...); err != nil {
				t.Fatal(err)
			}
		}
		r, err := line.Do("EXEC")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(r.IsNil())
	}
	if got := guarded(); got != "false" {
		t.Errorf("the leader's write is refused: %s", got)
	}
	if _, err := old.Propose(within(t), "GROUP", "TRANSFER", "nodes", other(nodes, old).Name()); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "the other leads", other(nodes, old).IsLeader)
	if old.IsLeader() {
		t.Error("two lead")
	}
	if got := guarded(); got != "true" {
		t.Errorf("the former leader's write is applied: %s", got)
	}
}

// SAFETY A6: an operator who has a node lead means both leaderships, whichever it has already.
func TestA6TransferHandsOverBothLeaderships(t *testing.T) {
	nodes := nodetest.InProcess(t, 3, nil)
	leads(t, nodes...)
	transfer := func(by, to *node.Node) {
		t.Helper()
		r, err := by.Propose(within(t), "ENSEMBLE", "TRANSFER", to.Name())
		if err != nil || r.Text() != "OK" {
			t.Fatalf("%v, %v", r, err)
		}
		group, err := by.Propose(within(t), "GROUP", "LEADER", "nodes")
		if err != nil || group.Items[0].Text() != to.Name() {
			t.Errorf("%v leads the nodes, %v; it was to be %s", group, err, to.Name())
		}
		info, err := to.Propose(within(t), "INFO", "json")
		if err != nil || !strings.Contains(info.Text(), `"state":"l"`) {
			t.Errorf("%s does not lead the log: %s, %v", to.Name(), info.Text(), err)
		}
		nodetest.Eventually(t, "it says that it leads", to.IsLeader)
	}
	transfer(nodes[2], nodes[1])
	transfer(nodes[1], nodes[1])
	if _, err := nodes[0].Propose(within(t), "GROUP", "TRANSFER", "nodes", nodes[0].Name()); err != nil {
		t.Fatal(err)
	}
	transfer(nodes[0], nodes[1]) // which leads the log already
	nodetest.Eventually(t, "n2 leads both", nodes[1].IsLeader)
	if _, err := nodes[0].Propose(within(t), "GROUP", "TRANSFER", "nodes", nodes[2].Name()); err != nil {
		t.Fatal(err)
	}
	transfer(nodes[1], nodes[2]) // which leads the group already
}

// One that is in no group, as a node that starts is in none yet, leads the log all the same.
func TestTransferToANodeThatIsInNoGroup(t *testing.T) {
	first := lone(t)
	addr, _, _ := first.Addresses()
	cfg := node.Config{Name: "n2", Data: t.TempDir(), Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0",
		Join: []string{addr}}
	cfg.KeepApart()
	second, err := node.Open(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	nodetest.Eventually(t, "n2 has the lead, once it votes", func() bool {
		_, err := first.Propose(within(t), "ENSEMBLE", "TRANSFER", "n2")
		return err == nil
	})
	info, err := second.Propose(within(t), "INFO", "json")
	if err != nil || !strings.Contains(info.Text(), `"state":"l"`) || !first.IsLeader() {
		t.Errorf("%s, %v; the only one in the group leads it: %v", info.Text(), err, first.IsLeader())
	}
}

// The last nodes of an ensemble to stop need not wait for the answer of a majority, which is gone.
func TestWhoIsLeftKnowsThatThereIsNoMajority(t *testing.T) {
	nodes := nodetest.InProcess(t, 3, nil)
	nodetest.Eventually(t, "all reach a majority", func() bool {
		return nodes[0].ReachesMajority() && nodes[1].ReachesMajority() && nodes[2].ReachesMajority()
	})
	for _, n := range nodes[:2] {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	nodetest.Eventually(t, "the last reaches none", func() bool { return !nodes[2].ReachesMajority() })
	if err := nodes[2].Close(); err != nil {
		t.Error(err)
	}
}

func other(nodes []*node.Node, than *node.Node) *node.Node {
	return nodes[slices.IndexFunc(nodes, func(n *node.Node) bool { return n != than })]
}

// SAFETY A6: the program that a node is part of cannot put itself among the nodes.
func TestA6TheProgramIsNoNode(t *testing.T) {
	s, err := lone(t).Client().Session(within(t), client.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Join(within(t), "nodes", client.JoinOptions{}); !errors.Is(err, caucus.ErrNoPerm) {
		t.Errorf("it joins: %v", err)
	}
}

// A node without a name has that of its address, which must do for a member also where it is one of IPv6.
func TestANodeWithoutANameIsAMember(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Log("not tried, since there is no IPv6 here:", err)
		return
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	nodes := nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) {
		cfg.Name, cfg.Listen, cfg.PeerListen = "", "[::1]:0", "[::1]:0"
	})
	if leader := leads(t, nodes...); leader.Name() != "::1:0" {
		t.Errorf("%q leads", leader.Name())
	}
}

// A node that is evicted from the group, or whose session was closed, comes back by itself.
func TestANodeComesBackToItsGroup(t *testing.T) {
	n := lone(t)
	leads(t, n)
	first, _ := n.Term()
	for range 2 {
		if r, err := n.Propose(within(t), "GROUP", "EVICT", "nodes", "n1"); err != nil || r.Int != 1 {
			t.Fatal(r, err)
		}
		nodetest.Eventually(t, "it leads again", func() bool {
			term, ok := n.Term()
			defer func() { first = max(first, term) }()
			return ok && term > first
		})
	}
}

// Without a majority nobody leads, and no node says that it knows who does.
func TestNobodyLeadsWithoutAMajority(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	leader := leads(t, nodes...)
	rest := other(nodes, leader)
	if err := leader.Close(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "it knows no leader", func() bool {
		_, known := rest.Leader()
		return !known
	})
	if rest.IsLeader() {
		t.Error("it leads alone")
	}
	if len(rest.Peers()) != 2 {
		t.Errorf("its peers are %+v", rest.Peers())
	}
}

// Where nobody can be reached, a call answers that nothing was applied, and why.
func TestWithoutAMajorityACallSaysWhy(t *testing.T) {
	const patience = 2 * time.Second
	nodes := nodetest.InProcess(t, 2, func(_ int, cfg *node.Config) { cfg.RequestTimeout = patience })
	if err := nodes[1].Close(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "it knows no leader", func() bool {
		return strings.Contains(waist.Of(nodes[0]).Ready().Reason, "no leader is known")
	})
	addr, _, _ := nodes[0].Addresses()
	outside, err := client.Dial(within(t), client.Config{Addrs: []string{addr}, AddrsOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	for where, who := range map[string]caucus.Doer{"inside": nodes[0], "outside": outside} {
		for word, cmd := range map[string]caucus.Command{
			"no leader is known at present; nothing was applied": {"SET", "k", "v"},
			"no quorum confirmed the leader in time":             {"GET", "k"},
		} {
			ctx, cancel := context.WithTimeout(within(t), patience+patience/2)
			_, err := who.Do(ctx, cmd)
			cancel()
			if !caucus.SafeToRetry(err) || !strings.Contains(err.Error(), word) {
				t.Errorf("%s, %s gives %v", where, cmd[0], err)
			}
		}
	}
}

// SAFETY A10: a pipeline that is too large for one entry goes in pieces, and once one of them is refused, so
// is the rest, which would else be applied without what came before it.
func TestA10_ARefusedPieceRefusesTheRest(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, func(_ int, cfg *node.Config) { cfg.RequestTimeout = 2 * time.Second })
	if err := nodes[1].Close(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "it knows no leader", func() bool {
		return strings.Contains(waist.Of(nodes[0]).Ready().Reason, "no leader is known")
	})
	talk, err := waist.Of(nodes[0]).Open(waist.ConnInfo{})
	if err != nil {
		t.Fatal(err)
	}
	defer talk.Close(false)
	pipeline := make([]caucus.Command, 10_000)
	for i := range pipeline {
		pipeline[i] = caucus.Command{"APPEND", "k", "x"}
	}
	pipeline = append(pipeline, caucus.Command{"SHUTDOWN"})
	replies := talk.DoAll(within(t), pipeline)
	if first := replies[0].Str; !strings.HasPrefix(first, "TRYAGAIN no leader is known") {
		t.Errorf("the first piece is answered %q", first)
	}
	const rest = "TRYAGAIN an earlier part of the pipeline failed; this was not tried"
	if len(replies) != len(pipeline) || replies[len(replies)-1].Str != rest {
		t.Errorf("of %d commands %d are answered, the last %q", len(pipeline), len(replies),
			replies[len(replies)-1].Str)
	}
	select {
	case <-nodes[0].Done():
		t.Error("the node has stopped, by a command that stood behind what was refused")
	default:
	}
}
