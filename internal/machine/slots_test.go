package machine_test

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// As many slots as there can be, over a hundred: a newcomer is owed its even share and gets it slot by slot;
// nothing else moves, and who leaves is shared out at once.
func TestA17_MovesOfManySlots(t *testing.T) {
	const slots, members = 65_536, 100
	b := newBare(t)
	name := func(i int) string { return fmt.Sprintf("c%d", i) }
	for i := range members {
		b.do(name(i), fmt.Sprintf("GROUP JOIN g AS c%d SETTLE 100 SLOTS %d", i, slots))
	}
	b.Advance(2_000)
	if n := info(b, "moving"); n.Int != 0 {
		t.Fatalf("a new group asks for %d slots", n.Int)
	}
	b.do("new", "GROUP JOIN g AS new")
	b.Advance(5_000)
	const due = slots / (members + 1)
	if n := info(b, "moving"); n.Int != due {
		t.Errorf("%d slots are asked for, %d are due", n.Int, due)
	}
	for i := range members {
		release(b, name(i))
	}
	if n := len(slotList(b.Do("new", caucus.Command{"GROUP", "SLOTS", "g"}))); n != due {
		t.Errorf("the newcomer has %d slots, %d are due", n, due)
	}
	b.Events()
	b.do("new", "GROUP LEAVE g")
	b.Advance(8_000)
	if n := info(b, "moving"); n.Int != 0 {
		t.Errorf("%d slots are asked for when one has left", n.Int)
	}
	if n := len(slotList(b.Do("c0", caucus.Command{"GROUP", "SLOTS", "g"}))); n != 656 {
		t.Errorf("c0 has %d slots", n)
	}
}

// info gives a field of GROUP INFO g.
func info(b *bare, name string) caucus.Reply {
	return b.Do("c0", caucus.Command{"GROUP", "INFO", "g"}).Field(name)
}

// release gives up what a client is asked for.
func release(b *bare, c string) {
	cmd := caucus.Command{"GROUP", "RELEASE", "g"}
	for _, slot := range slotList(b.Do(c, caucus.Command{"GROUP", "SLOTS", "g", "REVOKING"})) {
		cmd = append(cmd, fmt.Sprint(slot))
	}
	if r := b.Do(c, cmd); r.Int != int64(len(cmd)-3) {
		b.t.Errorf("%s was asked for %d slots and released %v", c, len(cmd)-3, r)
	}
}

// The heir and the holder of a slot end in one entry: nobody has it until the group settles.
func TestA17_HeirAndHolderEndTogether(t *testing.T) {
	b := newBare(t)
	for _, c := range []string{"a", "b", "c0"} {
		b.do(c, "SESSION OPEN TTL 1000 GRACE 0")
	}
	b.do("a", "GROUP JOIN g AS a SETTLE 500 SLOTS 6")
	b.do("c0", "GROUP JOIN g AS c0")
	b.Advance(900)
	for _, c := range []string{"a", "c0"} {
		b.do(c, "SESSION KEEPALIVE")
	}
	b.do("b", "GROUP JOIN g AS b")
	live(b, "a", "b", "c0")
	if n := info(b, "moving"); n.Int != 2 {
		t.Fatalf("%d slots are asked for, not one of each", n.Int)
	}
	end := func(c string) entry.Op {
		s, _ := b.m.Session(b.clients[c].session)
		return machine.End(s.ID, s.Attach, bareTerm, machine.Expired)
	}
	b.note(end("a"), end("b"))
	if held := slotList(b.Do("c0", caucus.Command{"GROUP", "SLOTS", "g"})); len(held) != 3 {
		t.Errorf("the last of them holds %v", held)
	}
	live(b, "c0")
	if held := slotList(b.Do("c0", caucus.Command{"GROUP", "SLOTS", "g"})); len(held) != 6 {
		t.Errorf("once it has settled it holds %v", held)
	}
}

// live lets time pass in which clients stay alive.
func live(b *bare, clients ...string) {
	for range 4 {
		b.Advance(b.now + 300)
		for _, c := range clients {
			b.do(c, "SESSION KEEPALIVE")
		}
	}
}
