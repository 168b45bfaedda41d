package machine_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/entry"
)

// A machine that was put back to a view is what it was, goes on from there, and leaves the view alone.
func TestB12_AMachineGoesOnFromAViewInManyWays(t *testing.T) {
	b := newBare(t)
	b.Do("a", strings.Fields("SESSION OPEN"))
	b.Do("a", strings.Fields("GROUP JOIN g SETTLE 0 SLOTS 4"))
	view := b.m.View()
	before, _ := b.m.Group("g")
	want, err := view.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b", "c"} {
		b.Do(name, strings.Fields("GROUP JOIN g"))
		if now, _ := b.m.Group("g"); reflect.DeepEqual(now, before) || now.Settled || len(now.Members) != 2 {
			t.Fatalf("after a second member joined: %+v", now)
		}
		b.m.Rewind(view)
		if now, _ := b.m.Group("g"); !reflect.DeepEqual(now, before) {
			t.Fatalf("put back, it is %+v, want %+v", now, before)
		}
		if sum, err := b.m.View().Digest(); err != nil || sum != want {
			t.Fatalf("the state is another than that of the view (%v)", err)
		}
	}
}

// What a group has granted is told with who holds it.
func TestGroupTellsWhoHoldsWhat(t *testing.T) {
	b := newBare(t)
	if _, ok := b.m.Group("g"); ok {
		t.Fatal("there is no group yet")
	}
	b.Do("a", strings.Fields("GROUP JOIN g SETTLE 0 SLOTS 2"))
	g, ok := b.m.Group("g")
	own := b.clients["a"].session
	if !ok || !g.Settled || g.Leader != own || len(g.Members) != 1 || g.Members[0].Name != "m1" ||
		g.Members[0].Session != own || g.Members[0].Index != 1 || len(g.Slots) != 2 ||
		g.Slots[1].Holder != own || g.Slots[1].Heir != own || g.Slots[1].Epoch != g.Epoch {
		t.Fatalf("alone it holds all: %+v", g)
	}
	b.Do("b", strings.Fields("GROUP JOIN g"))
	g, _ = b.m.Group("g")
	if g.Settled || g.Token == 0 || g.Revoked != g.Token || len(g.Members) != 2 || g.Members[0].Index != 1 ||
		g.Members[1].Index != 0 || g.Members[1].Session != b.clients["b"].session {
		t.Fatalf("what is revoked is still the first's: %+v", g)
	}
	b.Do("b", strings.Fields("GROUP TRANSFER g m2"))
	if g, _ = b.m.Group("g"); g.Leader != (entry.Session{}) || g.Former != own || g.Heir == own ||
		g.LeadToken == 0 {
		t.Fatalf("the leadership is revoked and the first may still believe in it: %+v", g)
	}
}
