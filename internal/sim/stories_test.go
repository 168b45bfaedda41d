package sim

import (
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/story"
	"github.com/cockroachdb/datadriven"
)

// stage is an ensemble of three on which stories are played: the clients sit on different nodes. Nothing
// takes time there, so that what a story tells of time is exact.
type stage struct {
	*scene
	begun   int64
	late    int64 // what is done takes a few microseconds, after which the next is done as late at least
	block   int64 // the time of the present block
	clients map[string]*caller
	next    int
	events  []entry.Event
}

func newStage(t *testing.T) *stage {
	t.Helper()
	p := plan{seed: 11, voters: 3, snapshotEntries: 8, keepEntries: 4, maxEntry: 4096, keys: 1,
		codec: true, exact: true}
	st := &stage{scene: sceneOf(t, p), clients: map[string]*caller{}}
	st.custom = storyCommands(t)
	st.begin()
	st.until(second, func() bool { return st.leader() != nil && st.agreed() })
	st.pass(200 * millisecond)
	st.begun = st.now
	st.checks.tell = func(e entry.Event) { st.events = append(st.events, e) }
	return st
}

// storyCommands gives the custom commands of stories.
func storyCommands(t *testing.T) (known custom) {
	t.Helper()
	var specs []command.Spec
	for _, c := range story.Commands() {
		spec, err := command.Custom(c.Name, c.Writes, c.Least, c.Most)
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, spec)
		known.list = append(known.list, machine.Custom{Spec: spec,
			Run: func(tx *machine.Tx, args []string) caucus.Reply { return c.Run(tx, args) }})
	}
	var err error
	if known.table, err = command.Extended(specs); err != nil {
		t.Fatal(err)
	}
	return known
}

// caller gives the connection of a client.
func (st *stage) caller(client string) *caller {
	c := st.clients[client]
	if c == nil {
		c = st.call(st.nodes[st.next%3])
		st.next++
		st.clients[client] = c
	}
	return c
}

func (st *stage) Do(client string, cmd caucus.Command) caucus.Reply {
	c := st.caller(client)
	c.send(cmd)
	return st.Hear(client)
}

func (st *stage) Wait(client string, cmd caucus.Command) {
	c := st.caller(client)
	c.send(cmd)
	st.until(5*second, func() bool { return c.c.first != nil })
	st.done()
}

func (st *stage) Hear(client string) caucus.Reply {
	r := st.clients[client].wait(5 * second)
	st.done()
	return r
}

func (st *stage) HangUp(client string) {
	if c := st.clients[client]; c != nil {
		c.c.close()
		st.until(second, func() bool { return !c.c.nodeOpen }) // a wait is looked at from time to time
		delete(st.clients, client)
	}
	st.done()
}

// done waits for all nodes and for what follows at once, and notes how late it has become.
func (st *stage) done() {
	st.pass(30)
	st.until(second, st.agreed)
	st.late = max(st.late, st.now-st.begun-st.block*millisecond+20)
}

func (st *stage) Advance(to int64) {
	if d := st.begun + to*millisecond + st.late - st.now; d > 0 {
		st.pass(d)
	}
	st.until(second, st.agreed)
	st.block = to
}

func (st *stage) Events() []entry.Event {
	list := st.events
	st.events = nil
	return list
}

// TestStories: the stories of the bare machine print the same on a simulated ensemble of three.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "../machine/testdata/stories", func(t *testing.T, path string) {
		story.Run(t, path, newStage(t))
	})
}
