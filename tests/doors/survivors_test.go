package doors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// A node that is cut off from the others answers a READONLY connection from what it has, and nobody else:
// whatever must be current, a GUARD and a promise among it, is TRYAGAIN.
func TestReadonlyWithoutAQuorum(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3, nodetest.Flags("--request-timeout", "500ms"))
	alone := (c.Leader() + 1) % 3
	var speakers []speaker
	for i, d := range dialers() {
		s := d.dial(t, c.Addr(alone))
		// Who writes through this node reads it back here, also locally.
		for n := range 50 {
			key, value := fmt.Sprintf("k%d", i), fmt.Sprint(n)
			says(t, s, "READONLY", "OK")
			says(t, s, "SET "+key+" "+value, "OK")
			says(t, s, "GET "+key, value)
		}
		speakers = append(speakers, s)
	}
	dial(t, c.Addr(alone)).want("GROUP CREATE g", "OK")
	for i := range c.Size() {
		if i != alone {
			c.Pause(i)
		}
	}
	nodetest.Eventually(t, "the node is alone and knows it", func() bool {
		s, err := c.Standing(alone)
		return err == nil && s.State == "c"
	})
	for i, s := range speakers {
		key := fmt.Sprintf("k%d", i)
		says(t, s, "GET "+key, "49")
		says(t, s, "GROUP LIST MATCH g*", "g")
		says(t, s, "SET "+key+" lost", "ERROR|TRYAGAIN *")
		says(t, s, "MULTI", "OK")
		says(t, s, "GUARD g TERM 1", "QUEUED")
		says(t, s, "GET "+key, "QUEUED")
		says(t, s, "EXEC", "ERROR|TRYAGAIN *")
		says(t, s, "READWRITE", "OK")
		says(t, s, "GET "+key, "ERROR|TRYAGAIN *")
		says(t, s, "READONLY", "OK")
		says(t, s, "GET "+key, "49")
	}
	for i := range c.Size() {
		if i != alone {
			c.Resume(i)
		}
	}
	c.Settled()
	c.Agree()
}

func says(t *testing.T, s speaker, words, want string) {
	t.Helper()
	got, err := s.say(strings.Fields(words))
	if text := strings.Join(got, "|"); err != nil || text != want && !fitsEnd(want, text) {
		t.Fatalf("%s: got %q, %v, want %s", words, text, err, want)
	}
}

// fitsEnd says whether text begins as a want does that ends with a star.
func fitsEnd(want, text string) bool {
	beginning, open := strings.CutSuffix(want, "*")
	return open && strings.HasPrefix(text, beginning)
}

// Who resumes its session on another node after its own has died has lost nothing: neither membership nor
// index nor leadership, and nobody is told anything.
func TestMembersOutliveTheirNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	dead := c.Leader()
	a, b := dial(t, c.Addr(dead)), dial(t, c.Addr((dead+1)%3))
	id := a.do("SESSION OPEN TTL 60000").Str
	b.do("SESSION OPEN TTL 60000")
	a.want("GROUP JOIN g AS a SETTLE 0", `"a"`)
	b.want("GROUP JOIN g AS b", `"b"`)
	nodetest.Eventually(t, "both have an index", func() bool {
		return a.do("GROUP INDEX g").Kind == caucus.KindArray && b.do("GROUP INDEX g").Kind == caucus.KindArray
	})
	index, leader, seq := shown(a.do("GROUP INDEX g")), shown(a.do("GROUP LEADER g")), b.number("g", "seq")
	c.Kill(dead)
	c.Leader()
	again := dial(t, c.Addr((dead+2)%3))
	nodetest.Eventually(t, "RESUME", func() bool { return shown(again.do("SESSION RESUME "+id)) == "OK" })
	again.want("GROUP INDEX g", index)
	again.want("GROUP LEADER g", leader)
	again.want("GROUP JOIN g", `"a"`)
	if r := again.do("SESSION KEEPALIVE"); len(r.Items) != 3 || r.Items[0].Int != 1000 {
		t.Errorf("the promise is %s", shown(r))
	}
	if now := b.number("g", "seq"); now != seq {
		t.Errorf("events from %d to %d were told", seq+1, now)
	}
	c.Restart(dead)
	c.Agree()
}

// The library does so by itself. When its session is evicted it says so, and believes in nothing any more.
func TestTheLibraryOutlivesItsNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	dead, other := 2, dial(t, c.Addr(0))
	lib, err := client.Dial(ctx, client.Config{Addrs: []string{c.Addr(dead), c.Addr(0), c.Addr(1)}})
	if err != nil {
		t.Fatal(err)
	}
	defer lib.Close()
	s, err := lib.Session(ctx, client.SessionOptions{TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Join(ctx, "g", client.JoinOptions{Name: "m"})
	if err != nil {
		t.Fatal(err)
	}
	other.want("GROUP SET g SETTLE 0", "OK")
	share, err := m.WaitAssignment(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var term uint64
	nodetest.Eventually(t, "it leads", func() bool {
		leads := false
		term, leads = m.IsLeader()
		return leads
	})
	if at := nodeOf(other); at != c.Name(dead) {
		t.Fatalf("the member is at %s", at)
	}
	c.Kill(dead)
	nodetest.Eventually(t, "the member is at another node", func() bool {
		at := nodeOf(other)
		return at != "" && at != c.Name(dead)
	})
	nodetest.Eventually(t, "it believes in the same", func() bool {
		now, holds := m.Assignment()
		leading, leads := m.IsLeader()
		return holds && leads && now == share && leading == term
	})
	nodetest.Eventually(t, "EVICT is taken", func() bool {
		return shown(other.do("GROUP EVICT g m")) == "(integer) 1"
	})
	<-s.Lost()
	if _, holds := m.Assignment(); holds || !errors.Is(s.Err(), caucus.ErrNoSession) {
		t.Errorf("after its eviction: holds %v, %v", holds, s.Err())
	}
	nodetest.Eventually(t, "the member is gone", func() bool { return nodeOf(other) == "" })
	c.Restart(dead)
	c.Agree()
}

// nodeOf gives the node of the first member of group g, "" when there is none.
func nodeOf(l line) string {
	r := l.do("GROUP MEMBERS g COUNT 1")
	if len(r.Items) == 0 {
		return ""
	}
	fields := r.Items[0].Items
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i].Str == "node" {
			return fields[i+1].Str
		}
	}
	return ""
}

// The limit on memory holds on every node alike, also on one that was started anew (B13).
func TestB13_MemoryIsLimitedAlike(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	one := dial(t, c.Addr(0))
	one.want("CONFIG SET maxmemory 10kb", "OK")
	one.want("SET big "+strings.Repeat("x", 11<<10), "OK")
	c.Kill(1)
	c.Leader()
	c.Restart(1)
	for i := range c.Size() {
		l := dial(t, c.Addr(i))
		l.want("SET k v", "(error) OOM command not allowed when used memory > 'maxmemory'.")
		l.want("STRLEN big", "(integer) 11264")
		l.want("CONFIG GET maxmemory", `1) "maxmemory" 2) "10240"`)
		if info := l.do("INFO memory").Str; !strings.Contains(info, "\r\nmaxmemory:10240\r\n") {
			t.Errorf("%s says %s", c.Name(i), info)
		}
	}
	two := dial(t, c.Addr(1))
	two.want("DEL big", "(integer) 1")
	two.want("SET k v", "OK")
	c.Agree()
}
