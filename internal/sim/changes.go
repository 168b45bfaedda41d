package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/follow"
)

// chronicle is the changes of keys as the states of the nodes have them. All have the same.
type chronicle struct {
	all    []follow.Change
	known  map[*node]int    // how many of them a node's state has shown
	looked map[*node]uint64 // the state's counter then
}

func newChronicle() chronicle {
	return chronicle{known: map[*node]int{}, looked: map[*node]uint64{}}
}

// forget has all that a node's state has looked at anew: it began again from its disk.
func (c *chronicle) forget(n *node) { c.known[n], c.looked[n] = 0, 0 }

// look sees that what a node's state has more than when it was looked at last is what follows in the others'.
func (c *chronicle) look(n *node) {
	s := n.r.State()
	if s.Counter() == c.looked[n] || n.altered {
		return
	}
	c.looked[n] = s.Counter()
	at, from := c.known[n], uint64(0)
	if at > 0 {
		from = c.all[at-1].Revision + 1
	}
	place := follow.ChangesFrom("", from)
	op := &entry.Op{Args: place.Ask(1<<20, 0)}
	changes, err := place.Answered(s.Read(op, 0, true, nobody{}))
	if err != nil {
		n.w.fail("the changes of %s: %v", n.name, err)
	}
	for _, change := range changes {
		if at == len(c.all) {
			c.all = append(c.all, change)
			n.w.checks.count("changes")
		}
		if c.all[at] != change {
			n.w.fail("%s has the change %v where another node has %v", n.name, change, c.all[at])
			return
		}
		at++
	}
	c.known[n] = at
}

// compareChanges sees that every write that was acknowledged is told once, and none that was refused.
func (w *World) compareChanges() {
	told := map[string]int{}
	for _, change := range w.checks.changes.all {
		told[change.Command+" "+change.Key]++
	}
	least, most := map[string]int{}, map[string]int{}
	for _, op := range w.checks.history {
		if op.kind == opSet && op.done != refused {
			most[op.key]++
		}
		if op.kind == opSet && op.done == applied {
			least[op.key]++
		}
	}
	for i := range w.plan.keys {
		key := "k" + strconv.Itoa(i)
		if n := told["set "+key]; n < least[key] || n > most[key] {
			w.fail("%d changes of %s are told, from %d to %d were made", n, key, least[key], most[key])
		}
	}
	words := strings.Count(w.nodes[0].value(journal), ";")
	if n := told["append "+journal]; n != words {
		w.fail("%d changes of the journal are told, which has %d words", n, words)
	}
}

// follower is a client that follows the changes of keys from one node to the next, whatever befalls them.
type follower struct {
	w     *World
	conn  *conn
	place *follow.Changes
	next  int // of all changes, which it has to be told next
	asked int // rises with every question and connection
	busy  bool
}

func newFollower(w *World) *follower {
	f := &follower{w: w, place: follow.ChangesFrom("", 0)}
	w.after(w.between(0, 300*millisecond), f.ask)
	return f
}

func (f *follower) vouches() bool { return false }

// ask asks for some changes, now and then of another node.
func (f *follower) ask() {
	w := f.w
	if f.busy {
		return
	}
	if f.conn != nil && w.chance(20) {
		f.conn.close()
		f.conn = nil
	}
	if f.conn == nil {
		if f.conn = w.dial(pick(w, w.nodes), f); f.conn == nil {
			w.after(20*millisecond, f.ask)
			return
		}
	}
	f.busy = true
	f.asked++
	asked := f.asked
	f.conn.ask(f.place.Ask(1+w.rng.IntN(20), 0))
	w.after(3*patience, func() {
		if f.asked == asked && f.busy {
			f.conn.close()
			f.lost(f.conn)
		}
	})
}

func (f *follower) answered(c *conn, r *request) {
	if c != f.conn || !f.busy {
		return
	}
	f.busy = false
	changes, err := f.place.Answered(r.replies[0])
	if err != nil && r.replies[0].Kind != caucus.KindError {
		f.w.fail("who follows the changes: %v", err)
	}
	for _, change := range changes {
		all := f.w.checks.changes.all
		if f.next == len(all) || all[f.next] != change {
			f.w.fail("who follows the changes is told %v as number %d of %d", change, f.next+1, len(all))
			return
		}
		f.next++
		f.w.checks.count("changes followed")
	}
	f.w.after(f.w.between(0, 60*millisecond), f.ask)
}

func (f *follower) lost(c *conn) {
	if c != f.conn {
		return
	}
	f.conn, f.busy = nil, false
	f.asked++
	f.w.after(20*millisecond, f.ask)
}

// unrest says what it has not been told.
func (f *follower) unrest() string {
	if n := len(f.w.checks.changes.all) - f.next; n > 0 {
		return fmt.Sprintf("who follows the changes has not been told of %d", n)
	}
	return ""
}
