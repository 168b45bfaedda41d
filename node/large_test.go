package node_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// The largest command that a client may say, 64 MiB of arguments, fits what nodes send each other. One that
// did not would stand in the log of its leader for ever, and stop what comes behind it.
func TestLargestCommandReachesEveryNode(t *testing.T) {
	t.Parallel()
	const patience = 5 * nodetest.Patience // so much goes to two disks, and between nodes, several times
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	nodes := nodetest.InProcess(t, 2, func(_ int, cfg *node.Config) {
		cfg.RequestTimeout = patience
		cfg.Heartbeat, cfg.Election = time.Second, nodetest.Patience/6 // no disk counts as hung before
	})
	large := strings.Repeat("x", 8<<20-1)
	words, rest := []string{"MSET"}, 64<<20-len("MSET")
	for i := 0; rest > len(large)+1; i++ {
		words = append(words, strconv.Itoa(i), large)
		rest -= 1 + len(large)
	}
	words = append(words, "l", large[:rest-1])
	for _, n := range nodes {
		if r, err := n.Propose(ctx, words...); err != nil || r.Text() != "OK" {
			t.Fatalf("%s: %.20q %v", n.Name(), r.Text(), err)
		}
		if _, err := n.Propose(ctx, "SET", "small", "v"); err != nil {
			t.Fatal(err)
		}
	}
}
