package doors

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// now gives where the store is.
func (l line) now() int64 {
	l.t.Helper()
	r := l.do("CHANGES FROM $")
	if len(r.Items) != 1 || len(r.Items[0].Items) != 3 {
		l.t.Fatalf("CHANGES FROM $: %s", shown(r))
	}
	return r.Items[0].Items[0].Int
}

// changed reads the answer to a CHANGES and gives words and keys.
func (l line) changed() string {
	l.t.Helper()
	r := l.push()
	all := []string{}
	for _, item := range r.Items {
		all = append(all, item.Items[1].Str+" "+item.Items[2].Str)
	}
	return r.Str + strings.Join(all, ", ")
}

// CHANGES waits on any node for what is written through another one, and for what comes by itself; not in a
// transaction (B7, B11).
func TestB7_ChangesAreWaitedForOnAnyNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	a := dial(t, c.Addr(0))
	for i := range c.Size() {
		from := a.now() + 1
		plain, matching, now := dial(t, c.Addr(i)), dial(t, c.Addr(i)), dial(t, c.Addr(i))
		plain.blocks(fmt.Sprintf("CHANGES FROM %d BLOCK 0", from))
		matching.blocks(fmt.Sprintf("CHANGES FROM %d MATCH user:* BLOCK 60000", from))
		now.blocks("CHANGES FROM $ COUNT 1 BLOCK 0")
		a.want("MSET x 1 y 2", "OK")
		if got := plain.changed(); got != "set x, set y" {
			t.Errorf("%s tells %q", c.Name(i), got)
		}
		if got := now.changed(); got != "set x" {
			t.Errorf("%s tells %q", c.Name(i), got)
		}
		a.want("SET user:1 v", "OK")
		if got := matching.changed(); got != "set user:1" {
			t.Errorf("%s tells %q", c.Name(i), got)
		}
		set := a.now()
		a.want("PEXPIRE user:1 1", "(integer) 1")
		// What becomes of groups, such as that of the nodes, takes revisions too.
		expire := a.do(fmt.Sprintf("CHANGES FROM %d MATCH user:*", set+1)).Items[0].Items[0].Int
		end := fmt.Sprintf("CHANGES FROM %d MATCH user:* BLOCK 0", expire+1)
		if err := plain.Send(strings.Fields(end)); err != nil {
			t.Fatal(err)
		}
		if got := plain.changed(); got != "expired user:1" {
			t.Errorf("%s tells %q of an end", c.Name(i), got)
		}
		next := a.now() + 1
		now.want(fmt.Sprintf("CHANGES FROM %d BLOCK 20", next), "(empty array)")
		r := now.do(fmt.Sprintf("CHANGES FROM %d MATCH user:* BLOCK 20", next))
		if len(r.Items) != 1 || r.Items[0].Items[0].Int < next-1 || r.Items[0].Items[1].Str != "" {
			t.Errorf("where nothing is that matches it says %s", shown(r))
		}
		now.want("MULTI", "OK")
		now.want(fmt.Sprintf("CHANGES FROM %d BLOCK 0", next), "QUEUED")
		now.want("EXEC", "1) (empty array)")
	}
}

// Who waits for keys that change seldom is not told of a gap because others change more than is kept.
func TestB7_WhoWaitsForRareChangesIsToldOfThem(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	a, b := dial(t, c.Addr(0)), dial(t, c.Addr(1))
	from := a.now() + 1
	b.blocks(fmt.Sprintf("CHANGES FROM %d MATCH rare BLOCK 0", from))
	many := []string{"MSET"}
	for i := range 5_000 {
		many = append(many, "k"+strconv.Itoa(i), "v")
	}
	for range 21 {
		if r, err := a.Do(many...); err != nil || r.Str != "OK" {
			t.Fatal(r, err)
		}
	}
	if got := shown(a.do(fmt.Sprintf("CHANGES FROM %d", from))); !strings.HasPrefix(got, "(error) GAP ") {
		t.Errorf("the first are kept: %.100s", got)
	}
	a.want("SET rare v", "OK")
	if got := b.changed(); got != "set rare" {
		t.Errorf("got %q", got)
	}
}

// A node that stops says so to those who wait there, who go on elsewhere without a gap.
func TestB7_WhoWaitsForChangesGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	a, b := dial(t, c.Addr(0)), dial(t, c.Addr(1))
	from := a.now() + 1
	b.blocks(fmt.Sprintf("CHANGES FROM %d BLOCK 0", from))
	c.Stop(1)
	if got := b.push().Str; got != "TRYAGAIN this node is stopping" {
		t.Errorf("who waited is told %q", got)
	}
	a.want("SET k v", "OK")
	other := dial(t, c.Addr(2))
	if r := other.do(fmt.Sprintf("CHANGES FROM %d BLOCK 0", from)); shown(r.Items[0].Items[2]) != `"k"` {
		t.Errorf("elsewhere: %s", shown(r))
	}
}

// The library follows the changes across the death of the node that it reads at, without a gap or a double,
// while others write.
func TestChangesAreFollowedAcrossNodes(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	follower, err := client.Dial(ctx, client.Config{Addrs: []string{c.Addr(1), c.Addr(2)}, AddrsOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = follower.Close() }()
	a := dial(t, c.Addr(0))
	from := uint64(a.now())
	a.want("SET n0 x", "OK")
	next, last := 0, uint64(0)
	for change, err := range follower.ChangesFrom(ctx, "n*", from) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Command != "set" || change.Key != fmt.Sprint("n", next) || change.Revision <= last {
			t.Fatalf("n%d should come: %+v", next, change)
		}
		last = change.Revision
		if next++; next == 200 {
			break
		}
		if next%50 == 0 {
			node := 1 + next/50%2
			c.Kill(node)
			c.Restart(node)
		}
		a.want(fmt.Sprint("SET n", next, " x"), "OK")
	}
}
