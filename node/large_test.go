package node_test

import (
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
	nodes := nodetest.InProcess(t, 2, func(_ int, cfg *node.Config) {
		cfg.RequestTimeout = nodetest.Patience
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
		if r, err := n.Propose(within(t), words...); err != nil || r.Text() != "OK" {
			t.Fatalf("%s: %.200v %v", n.Name(), r, err)
		}
		if _, err := n.Propose(within(t), "SET", "small", "v"); err != nil {
			t.Fatal(err)
		}
	}
}
