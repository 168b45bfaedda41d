package node_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/waist"
	"github.com/caucus-project/caucus/node"
)

// Three nodes in one process are told of each other and found one ensemble; each is served when Open returns,
// and so is a conversation that began before.
func TestA12_ListInOneProcess(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), nodetest.Patience)
	defer cancel()
	var peers []node.Peer
	for i := range 3 {
		peers = append(peers, node.Peer{Name: fmt.Sprintf("n%d", i+1), Addr: nodetest.FreeAddress(t),
			Metadata: fmt.Sprintf(`{"n":%d}`, i+1)})
	}
	open := func(i int) (*node.Node, error) {
		return node.Open(ctx, node.Config{Name: peers[i].Name, Data: t.TempDir(), Listen: peers[i].Addr,
			PeerListen: "127.0.0.1:0", HTTP: "off", Peers: peers, OneList: true})
	}
	nodes, errs := make([]*node.Node, 3), make([]error, 3)
	var opening sync.WaitGroup
	opening.Go(func() { nodes[0], errs[0] = open(0) })
	early := dial(t, peers[0].Addr)
	defer early.Close()
	if reply, err := early.Do("SET", "k", "v"); err != nil || reply.Err() == nil {
		t.Errorf("a node that waits for its list answers %q, %v", reply.Text(), err)
	}
	for i := range 2 {
		opening.Go(func() { nodes[i+1], errs[i+1] = open(i + 1) })
	}
	opening.Wait()
	for i, n := range nodes {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		defer n.Close()
	}
	if reply, err := early.Do("SET", "k", "v"); err != nil || reply.Err() != nil {
		t.Errorf("the early conversation is answered %q, %v", reply.Text(), err)
	}
	for i, n := range nodes {
		conn, err := waist.Of(n).Open(waist.ConnInfo{})
		if err != nil {
			t.Fatal(err)
		}
		replies := conn.DoAll(ctx, []caucus.Command{{"GET", "k"}, {"ENSEMBLE", "NODES"}})
		if replies[0].Text() != "v" || len(replies[1].Items) != 3 {
			t.Errorf("n%d answers %q and %d nodes", i+1, replies[0].Text(), len(replies[1].Items))
		}
		conn.Close(false)
	}
}

// dial waits until a door opens.
func dial(t *testing.T, addr string) *nodetest.Line {
	t.Helper()
	var line *nodetest.Line
	nodetest.Eventually(t, "the door opens", func() (ok bool) {
		var err error
		line, err = nodetest.Dial(addr)
		return err == nil
	})
	return line
}

// Who stops waiting for his list leaves nothing behind, and is told for whom he waited.
func TestA12_WaitingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	nobody := nodetest.FreeAddress(t)
	_, err := node.Open(ctx, node.Config{Name: "n1", Data: t.TempDir(), Listen: "127.0.0.1:0",
		PeerListen: "127.0.0.1:0", HTTP: "off", Peers: []node.Peer{{Addr: nobody}}})
	if err == nil || context.Cause(ctx) == nil {
		t.Fatalf("it opened: %v", err)
	}
	if text := err.Error(); !strings.Contains(text, "it belongs to no ensemble yet; it waited for "+nobody) {
		t.Errorf("it says %s", text)
	}
}
