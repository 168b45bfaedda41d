package doors

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// A cursor of SCAN is good on every node, and after a fail-over (SAFETY B10).
func TestScanGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	const keys = 200
	first := dial(t, c.Addr(0))
	for i := range keys {
		first.want(fmt.Sprintf("SET key:%d v", i), "OK")
	}
	seen := map[string]int{}
	cursor, dead := "0", -1
	for step := 0; ; step++ {
		if step == 5 {
			dead = c.Leader()
			c.Kill(dead)
			c.Leader()
		}
		i := step % 3
		if i == dead {
			i = (i + 1) % 3
		}
		reply := dial(t, c.Addr(i)).do("SCAN " + cursor + " COUNT 13 MATCH key:*")
		if len(reply.Items) != 2 {
			t.Fatalf("SCAN %s on %s: %s", cursor, c.Name(i), shown(reply))
		}
		for _, key := range reply.Items[1].Items {
			seen[key.Str]++
		}
		if cursor = reply.Items[0].Str; cursor == "0" {
			break
		}
	}
	for i := range keys {
		if n := seen[fmt.Sprintf("key:%d", i)]; n != 1 {
			t.Errorf("key:%d was seen %d times", i, n)
		}
	}
}

// A key that expires is gone everywhere at the same entry, with nobody asking for it (SAFETY B11).
func TestKeysExpireEverywhereAtOnce(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	var lines []line
	for i := range c.Size() {
		lines = append(lines, dial(t, c.Addr(i)))
	}
	lines[0].want("SET k v PX 300", "OK")
	lines[0].want("SET stays v EX 1000", "OK")
	nodetest.Eventually(t, "the key is gone", func() bool { return lines[1].do("EXISTS k").Int == 0 })
	for _, l := range lines {
		l.want("EXISTS k stays", "(integer) 1")
		l.want("DBSIZE", "(integer) 1")
		if left := l.do("TTL stays").Int; left < 900 || left > 1000 {
			t.Errorf("TTL stays: %d", left)
		}
	}
	c.Kill(c.Leader())
	leader := dial(t, c.Addr(c.Leader()))
	leader.want("TTL k", "(integer) -2")
	leader.want("EXISTS stays", "(integer) 1")
}
