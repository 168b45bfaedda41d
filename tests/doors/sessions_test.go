package doors

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/redis/go-redis/v9"
)

// heard is an event as JSON has it.
type heard struct {
	Event, Reason, Member string
	Seq                   uint64
	Size                  int
}

// listen subscribes to a group's events on a node. What was acknowledged before, also by another
// node, it does not hear any more: a linearizable read comes first, until which this node may not
// have applied it.
func listen(t *testing.T, addr, group string) line {
	l := dial(t, addr)
	l.do("DBSIZE")
	l.want("SUBSCRIBE caucus:g:"+group, fmt.Sprintf("1) \"subscribe\" 2) \"caucus:g:%s\" 3) (integer) 1", group))
	return l
}

// next reads an event and gives it also as it came.
func (l line) next() (e heard, text string) {
	l.t.Helper()
	r := l.push()
	text = r.Items[len(r.Items)-1].Str
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		l.t.Fatalf("%q: %v", text, err)
	}
	return e, text
}

// until reads events until one of a kind has come, and gives all of them as they came.
func (l line) until(event, reason string) (texts []string) {
	l.t.Helper()
	for {
		e, text := l.next()
		texts = append(texts, text)
		if e.Event == event && e.Reason == reason {
			return texts
		}
	}
}

// All nodes tell the same events, with a seq that has no gap, also while the leading node dies.
func TestEventsAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	dead := c.Leader()
	alive := []int{(dead + 1) % 3, (dead + 2) % 3}
	var ears []line
	for _, i := range alive {
		ears = append(ears, listen(t, c.Addr(i), "g"))
	}
	a, b := dial(t, c.Addr(alive[0])), dial(t, c.Addr(alive[1]))
	a.want("GROUP JOIN g AS a SETTLE 0 TTL 60000 GRACE 500", `"a"`)
	b.want("GROUP JOIN g AS b TTL 60000 GRACE 500", `"b"`)
	c.Kill(dead)
	c.Leader()
	nodetest.Eventually(t, "META is taken", func() bool { return shown(a.do("GROUP META g news")) == "OK" })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "b is gone", func() bool {
		return len(a.do("GROUP MEMBERS g").Items) == 1
	})
	a.want("SESSION CLOSE", "(integer) 1")
	stories := [][]string{ears[0].until("deleted", ""), ears[1].until("deleted", "")}
	if !slices.Equal(stories[0], stories[1]) {
		t.Errorf("two nodes tell different events:\n%s\n\n%s",
			strings.Join(stories[0], "\n"), strings.Join(stories[1], "\n"))
	}
	for i, text := range stories[0] {
		var e, before heard
		if i == 0 {
			continue
		}
		if err := json.Unmarshal([]byte(stories[0][i-1]), &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil || e.Seq != before.Seq+1 {
			t.Errorf("after seq %d came %s", before.Seq, text)
		}
	}
}

// A session ends GRACE after the client's side has closed its connection, at once with GRACE 0, and
// TTL after its node has died, unless it is resumed (SAFETY A4).
func TestHowSessionsEnd(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	ear := listen(t, c.Addr(0), "g")
	join := func(i int, text string) line {
		l := dial(t, c.Addr(i))
		l.do("SESSION OPEN " + text)
		return l
	}
	lost := join(1, "TTL 60000 GRACE 200")
	lost.want("GROUP JOIN g AS lost SETTLE 0", `"lost"`)
	fast := join(1, "TTL 60000 GRACE 0")
	fast.want("GROUP JOIN g AS fast", `"fast"`)
	silent := join(1, "TTL 500 GRACE 500")
	silent.want("GROUP JOIN g AS silent", `"silent"`)
	for _, l := range []line{lost, fast} {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The silent one's connection stays open; it just says nothing.
	reasons := map[string]string{}
	for len(reasons) < 3 {
		if e, _ := ear.next(); e.Event == "left" {
			reasons[e.Member] = e.Reason
		}
	}
	want := fmt.Sprint(map[string]string{"lost": "lost", "fast": "lost", "silent": "expired"})
	if fmt.Sprint(reasons) != want {
		t.Errorf("the members left like %v, want %v", reasons, want)
	}
}

// The end of a node, be it killed or stopped, is no close by its clients, not even for those with GRACE 0:
// they resume elsewhere, and nothing happens to their place (SAFETY A4).
func TestSessionsOutliveTheirNode(t *testing.T) {
	for name, end := range map[string]func(*nodetest.Cluster, int){
		"killed": (*nodetest.Cluster).Kill, "stopped": (*nodetest.Cluster).Stop,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := nodetest.Start(t, 3)
			l := dial(t, c.Addr(2))
			id := l.do("SESSION OPEN TTL 60000 GRACE 0").Str
			l.want("GROUP JOIN g AS m SETTLE 0", `"m"`)
			index := shown(l.do("GROUP INDEX g"))
			ear := listen(t, c.Addr(0), "g")
			end(c, 2)
			c.Leader()
			other := dial(t, c.Addr(1))
			nodetest.Eventually(t, "RESUME", func() bool { return shown(other.do("SESSION RESUME "+id)) == "OK" })
			other.want("GROUP INDEX g", index)
			other.want("SESSION CLOSE", "(integer) 1")
			if e, text := ear.next(); e.Event != "left" || e.Reason != "closed" {
				t.Errorf("the first that was heard after the end: %s", text)
			}
		})
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	for _, proto := range []int{2, 3} {
		sub := goRedis(t, c.Addr(0), proto).Subscribe(t.Context(), "news")
		t.Cleanup(func() { _ = sub.Close() }) // before its pool
		if err := sub.PSubscribe(t.Context(), "w*"); err != nil {
			t.Fatal(err)
		}
		for range 2 { // both are confirmed
			if _, err := sub.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for i := range c.Size() {
			from := goRedis(t, c.Addr(i), proto)
			for _, channel := range []string{"news", "weather", "sports"} {
				if err := from.Publish(t.Context(), channel, c.Name(i)).Err(); err != nil {
					t.Fatal(err)
				}
			}
			for _, channel := range []string{"news", "weather"} {
				m, err := sub.ReceiveMessage(t.Context())
				if err != nil || m.Channel != channel || m.Payload != c.Name(i) {
					t.Errorf("RESP%d: got %v, %v, want %s of %s", proto, m, err, channel, c.Name(i))
				}
			}
		}
		if err := sub.Unsubscribe(t.Context(), "news"); err != nil {
			t.Fatal(err)
		}
		if err := sub.PUnsubscribe(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r, err := sub.Receive(t.Context())
			if err != nil || !strings.HasSuffix(r.(*redis.Subscription).Kind, "unsubscribe") {
				t.Errorf("RESP%d: got %v, %v", proto, r, err)
			}
		}
	}
	// Only the ensemble speaks on its channels.
	if r := dial(t, c.Addr(0)).do("PUBLISH caucus:g:x {}"); r.Err() == nil {
		t.Error("a client published as the ensemble")
	}
}
