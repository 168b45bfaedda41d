package tests

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// SAFETY A6: when the node that leads the group of the nodes is killed, another leads soon: those that
// live say that its session is lost, and do not wait for its TTL. The first to be killed leads the log,
// too; the second need not.
func TestA6_AKilledNodeIsFollowedAsLeaderOfTheNodes(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	enrolled := func() bool { return len(ofNodes(t, c, 0, "GROUP", "MEMBERS", "nodes").Items) == 3 }
	nodetest.Eventually(t, "all nodes are in their group", enrolled)
	for range 2 {
		first := firstNode(t, c, 0)
		dead := slices.IndexFunc([]int{0, 1, 2}, func(i int) bool { return c.Name(i) == first })
		survivor := (dead + 1) % 3
		seq := ofNodes(t, c, survivor, "GROUP", "INFO", "nodes").Field("seq").Text()
		begun := time.Now()
		c.Kill(dead)
		nodetest.Eventually(t, "another node leads", func() bool {
			next := firstNode(t, c, survivor)
			return next != "" && next != first
		})
		t.Logf("%s was killed; another node led after %d ms", first, time.Since(begun).Milliseconds())
		events := ofNodes(t, c, survivor, "GROUP", "EVENTS", "nodes", "FROM", seq)
		lost := func(e caucus.Reply) bool {
			return strings.Contains(e.Items[1].Text(), `"member":"`+first+`","reason":"lost"`)
		}
		if !slices.ContainsFunc(events.Items, lost) {
			t.Errorf("%s was not given up as lost: %v", first, events)
		}
		c.Restart(dead)
		c.Settled()
		nodetest.Eventually(t, "it is in the group again", enrolled)
	}
}

// ofNodes asks one node, as often as it takes until it answers.
func ofNodes(t *testing.T, c *nodetest.Cluster, node int, words ...string) (r caucus.Reply) {
	t.Helper()
	nodetest.Eventually(t, strings.Join(words, " "), func() bool {
		conn, err := nodetest.Dial(c.Addr(node))
		if err != nil {
			return false
		}
		defer conn.Close()
		r, err = conn.Do(words...)
		return err == nil && r.Err() == nil
	})
	return r
}

// firstNode gives the name of the node that leads the nodes, "" when none does.
func firstNode(t *testing.T, c *nodetest.Cluster, at int) string {
	t.Helper()
	r := ofNodes(t, c, at, "GROUP", "LEADER", "nodes")
	if r.IsNil() {
		return ""
	}
	return r.Items[0].Text()
}
