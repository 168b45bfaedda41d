package machine_test

import (
	"bytes"
	"testing"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// kept gives what a snapshot of the state makes of it.
func kept(t *testing.T, m *machine.Machine) *machine.Machine {
	t.Helper()
	var b bytes.Buffer
	if err := m.View().Save(&b); err != nil {
		t.Fatal(err)
	}
	again, err := machine.Load(&b)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// How many must vote before anybody is served survives snapshots, and is done with once they did.
func TestA12_QuorumIsAwaitedOnce(t *testing.T) {
	m := machine.New([16]byte{1}, 1)
	if m.Awaits() != 0 {
		t.Errorf("a new state waits for %d voters", m.Awaits())
	}
	m.Await(2)
	m = kept(t, m)
	m.Vote(1)
	if m.Awaits() != 2 {
		t.Errorf("with one voter it waits for %d, want 2", m.Awaits())
	}
	m.Vote(2)
	m.Vote(1)
	if m = kept(t, m); m.Awaits() != 0 {
		t.Errorf("it waits for %d though two voted", m.Awaits())
	}
}

// Metadata that others stated of a node stay when it starts without any of its own, and only then.
func TestBootKeepsMetadata(t *testing.T) {
	m := machine.New([16]byte{1}, 1)
	n := machine.Node{ID: 1, Incarnation: [16]byte{9}, Name: "n1", Metadata: `{"port":8001}`}
	m.Admit(1, 1, n)
	for i, step := range []struct{ announced, want string }{
		{"", `{"port":8001}`}, {`{"port":8002}`, `{"port":8002}`}, {"", `{"port":8002}`},
	} {
		n.Metadata, n.Boots, n.Boot = step.announced, uint64(i+1), entry.Boot{byte(i + 1)}
		batch := entry.Batch{Node: 1, Boot: n.Boot, Number: 1, Ops: []entry.Op{machine.Boot(n)}}
		if _, err := m.Apply(uint64(i+2), 1, &entry.Entry{Batches: []entry.Batch{batch}}, nobody{}); err != nil {
			t.Fatal(err)
		}
		if got, _ := m.Node(1); got.Metadata != step.want || got.Boots != n.Boots {
			t.Errorf("after announcing %q at boot %d: %+v, want %q", step.announced, n.Boots, got, step.want)
		}
	}
}

// nobody is a host without clients.
type nobody struct{}

func (nobody) Steps(*entry.Batch) []entry.Step { return nil }

func (nobody) Send(*machine.Message) {}
func (nobody) Panicked(string, any)  {}

func (nobody) Publish(string, string) int { return 0 }
