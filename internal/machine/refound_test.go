package machine

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// ask answers a command from the state.
func ask(m *Machine, line string) caucus.Reply {
	return m.Read(&entry.Op{Args: strings.Fields(line)}, m.stamp, false, deaf{})
}

// A new ensemble made of one survivor keeps what was there, and gives nothing that the lost may have given.
func TestA16Refound(t *testing.T) {
	m := full(t)
	other := Node{ID: m.NextNode(), Name: "n2", Peer: "host:5021"}
	m.Admit(3, 1, other)
	m.Apply(4, 1, &entry.Entry{Stamp: m.stamp, Notes: []entry.Op{Reserve("n3", "host:5030")}}, deaf{})
	g, _ := m.groups.Get("work")
	was, session, counter := *g, entry.Session{9}, m.counter
	survivor, _ := m.Node(1)
	survivor.Incarnation = [16]byte{5}
	id := m.Refound([16]byte{8}, survivor)

	if nodes := m.Nodes(); id != 4 || len(nodes) != 1 || nodes[0].ID != 4 || nodes[0].Name != "n1" ||
		nodes[0].Incarnation != [16]byte{5} || m.NextNode() != 5 || len(m.Reservations()) != 0 ||
		m.leaving.Len() != 0 {
		t.Errorf("the nodes are %+v, the next is %d", nodes, m.NextNode())
	}
	if m.Cluster() != [16]byte{8} || m.counter <= counter+restoreRaise {
		t.Errorf("ensemble %x, counter %d", m.Cluster(), m.counter)
	}
	if r := ask(m, "GET plain"); r.Str != "value" {
		t.Errorf("a key is %v", r)
	}
	if m.keys.after(counter, m.keys.hash("never")) != true {
		t.Error("a transaction that watched an absent key before is not in doubt")
	}
	s, ok := m.session(session)
	if !ok || s.node != 4 || s.places.Len() != 2 {
		t.Fatalf("the session is %+v", s)
	}
	g, _ = m.groups.Get("work")
	if g.members.Len() != 1 || g.life <= counter+restoreRaise || g.seq < g.life || m.counter < g.seq {
		t.Errorf("the group is %+v", g)
	}
	if v := m.version(s); v <= counter+restoreRaise {
		t.Errorf("the session's version is %d: its client would go on believing", v)
	}
	if g.settled || g.leader != 0 || g.leadToken <= was.term {
		t.Errorf("something is held still: %+v", g)
	}
	if g.called.Len() != 0 || g.open != 0 || g.weight != 0 || m.deadlines.Len() != 1 {
		t.Errorf("a poll outlived the group's life: %+v, deadlines %v", g.polls, m.deadlines.Items())
	}
	if r := ask(m, "GROUP EVENTS work FROM 1"); !strings.HasPrefix(r.Str, "GAP ") {
		t.Errorf("who reads on is told %v", r)
	}
	if r := ask(m, "GROUP SLOTS shared MEMBER m1"); r.Items[0].Items == nil || len(r.Items[0].Items) != 0 {
		t.Errorf("slots are held still: %v", r)
	}
	shared, _ := m.groups.Get("shared")
	if p := m.Pending("shared"); shared.settled || len(p) == 0 || len(p[len(p)-1].Holders) != 1 {
		t.Errorf("slots would be granted anew without asking who holds them: %+v", p)
	}
	again, err := load(save(t, m))
	if err != nil || string(save(t, again)) != string(save(t, m)) {
		t.Error("it cannot be saved and loaded:", err)
	}
	m.Apply(5, 2, &entry.Entry{Stamp: m.stamp, Notes: []entry.Op{Grant("work", g.leadToken)}}, deaf{})
	if g, _ = m.groups.Get("work"); g.leader != was.leader || g.term <= counter+restoreRaise {
		t.Errorf("granted anew: %+v", g.leading)
	}
}

// What is in collections is there in the new ensemble, in the order of its own hash, and nobody waits for
// more.
func TestRefoundKeepsCollections(t *testing.T) {
	m := collected(t)
	m.say("BLPOP nothing 9", "DEL plain")
	texts := map[string]string{}
	m.keys.from(0, func(_ uint64, it *item) bool {
		if it.kind.hasBody() {
			texts[it.key] = dumpText(m.keys.bodyOf(it.value))
		}
		return true
	})
	survivor, _ := m.Node(1)
	m.Refound([16]byte{8}, survivor)
	counted(t, m)
	for key, want := range texts {
		it, ok := m.keys.find(key)
		if !ok {
			t.Fatalf("%s is not there", key)
		}
		if got := dumpText(m.keys.bodyOf(it.value)); got != want {
			t.Errorf("%s is %s, and was %s", key, got, want)
		}
	}
	if r := ask(m, "HGET hash f"); r.Str != "v" {
		t.Errorf("a field is %+v", r)
	}
	if again, err := load(save(t, m)); err != nil || again.pops.waits.Len() != 0 {
		t.Errorf("saved and loaded: %v", err)
	}
}
