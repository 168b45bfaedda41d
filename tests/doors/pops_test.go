package doors

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// Who waits for an element at any node is woken by a push at another, in the order in which they came (B7).
func TestB7_ElementsAreWaitedForOnAnyNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	var waiting []line
	for i := range 6 {
		l := dial(t, c.Addr(i%3))
		l.blocks("BLPOP none q 0")
		waiting = append(waiting, l)
	}
	pusher := dial(t, c.Addr(1))
	pusher.want("RPUSH q a b c", "(integer) 3")
	pusher.want("RPUSH q d e f g", "(integer) 4")
	for i, l := range waiting {
		if got := l.push(); got.Items[1].Str != string("abcdef"[i]) {
			t.Errorf("the one who came as number %d got %s", i, shown(got))
		}
	}
	pusher.want("LRANGE q 0 -1", `1) "g"`)
}

// redis-cli waits at one node, and is woken through another.
func TestB7_RedisCliIsWoken(t *testing.T) {
	tool.Need(t, "redis-cli")
	t.Parallel()
	c := nodetest.Start(t, 3)
	host, port, _ := strings.Cut(c.Addr(2), ":")
	pusher := dial(t, c.Addr(0))
	cmd := nodetest.Command(t, "redis-cli", "-h", host, "-p", port, "BLPOP", "q", "0")
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watch := dial(t, c.Addr(2))
	nodetest.Eventually(t, "redis-cli waits", func() bool { return blocked(watch) != "0" })
	pusher.want("LPUSH q hello", "(integer) 1")
	if err := cmd.Wait(); err != nil || out.String() != "q\nhello\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// A client that is gone, was killed, or sits at a node that died swallows nothing once that is known, and one
// element at most before (B7).
func TestB7_WhoIsGoneSwallowsNothing(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	follower := (c.Leader() + 1) % 3
	pusher, watch := dial(t, c.Addr(c.Leader())), dial(t, c.Addr(follower))
	for _, how := range []struct {
		name  string
		leave func(l line)
	}{
		{"closed", func(l line) { _ = l.Close() }},
		{"killed", func(l line) { watch.do("CLIENT KILL ADDR " + l.LocalAddr().String()) }},
		{"dead", func(line) { c.Kill(follower) }},
	} {
		l := dial(t, c.Addr(follower))
		l.blocks("BRPOP q 0")
		how.leave(l)
		swallowed := 0
		nodetest.Eventually(t, how.name+" is out of the line", func() bool {
			pusher.want("RPUSH q x", "(integer) 1")
			kept := !pusher.do("LPOP q").IsNil()
			if !kept {
				swallowed++
			}
			return kept
		})
		if swallowed > 1 {
			t.Errorf("%s: it swallowed %d elements", how.name, swallowed)
		}
	}
	c.Restart(follower)
}

// A session whose connection waits for an element lives on meanwhile, and ends with the connection (A4, B7).
func TestB7_WhoWaitsForElementsIsKeptAlive(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	l, other := dial(t, c.Addr(0)), dial(t, c.Addr(0))
	id := l.do("SESSION OPEN TTL 400 GRACE 100").Str
	l.want("BLPOP q 1.5", "(nil)")
	if r := l.do("SESSION KEEPALIVE"); len(r.Items) != 3 {
		t.Errorf("after the wait: %s", shown(r))
	}
	l.blocks("BLPOP q 0")
	_ = l.Close()
	nodetest.Eventually(t, "the session is over", func() bool {
		return strings.HasPrefix(other.do("SESSION INFO "+id).Str, "NOSESSION")
	})
	other.want("RPUSH q x", "(integer) 1")
	other.want("LPOP q", `"x"`)
}
