package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/machine"
)

// restWithin is how long a mended world may take to come to rest: the longest TTL, a quarter of it and a
// second for an election, and as much again for requests, settling and snapshots.
const restWithin = 12 * second

// settle mends everything and sees that the world comes to rest, and what it has become.
func (w *World) settle() {
	if w.failed == nil {
		w.mend()
	}
	if w.failed != nil {
		return
	}
	if !w.runUntil(w.now+restWithin, w.atRest) && w.failed == nil {
		w.fail("no rest after %d s without faults: %s", restWithin/second, w.unrest())
	}
	if w.failed == nil && w.plan.letters {
		w.exchange()
	}
	if w.failed == nil {
		w.compareNodes()
		w.compareHistory()
		w.compareChanges()
		w.comparePolls()
		w.compareMessages()
	}
	if w.failed == nil && w.plan.insiders {
		w.succession()
	}
}

// mend ends all faults.
func (w *World) mend() {
	w.calm = true
	w.note("sim", "calm")
	w.net.mend()
	for _, n := range w.nodes {
		n.hungTo, n.slowTo = 0, 0
		for _, c := range n.conns {
			c.stuck = 0
		}
		if n.r == nil && n.id != 0 {
			n.start()
		}
	}
	for _, m := range w.members {
		m.cutTo = 0
	}
	for _, n := range w.up() {
		n.space(roomy)
	}
	w.finishRollout()
	for _, a := range w.up() {
		for _, b := range w.up() {
			if a != b {
				w.reconnect(a, b)
			}
		}
	}
}

// atRest is looked at after every step, so what is cheap to see comes first.
func (w *World) atRest() bool {
	return w.trace.events%32 == 0 && w.unrest() == ""
}

// unrest says what is still on the move, "" when nothing is.
func (w *World) unrest() string {
	for _, wr := range w.writers {
		if !wr.idle() {
			return wr.name + " waits for an answer"
		}
	}
	for _, c := range w.clerks {
		if text := c.unrest(); text != "" {
			return text
		}
	}
	for _, p := range w.porters {
		if text := p.unrest(); text != "" {
			return text
		}
	}
	if text := w.unrestOfNodes() + w.unrestOfInsiders(); text != "" {
		return text
	}
	for _, m := range w.members {
		if text := m.unrest(); text != "" {
			return m.name + " " + text
		}
	}
	if text := w.polls(); text != "" {
		return text
	}
	if w.follower != nil && w.follower.unrest() != "" {
		return w.follower.unrest()
	}
	return w.strangers()
}

func (w *World) unrestOfNodes() string {
	lead, index := uint64(0), uint64(0)
	if w.operator.busy != "" {
		return w.operator.busy + " is under way"
	}
	if w.now-w.checks.ordered < second {
		return "an order may not have been heard of by those whom it is about"
	}
	if w.rolling > 0 {
		return "an upgrade is under way"
	}
	for _, n := range w.nodes {
		if n.r == nil || n.stalled > 0 {
			return n.name + " is down"
		}
		s := n.r.Status()
		switch {
		case w.unlevel(n) != "":
			return w.unlevel(n)
		case s.Leader == 0:
			return n.name + " knows no leader"
		case lead == 0:
			lead, index = s.Leader, s.Applied
		case lead != s.Leader || index != s.Applied:
			return fmt.Sprintf("%s follows node %d and has applied %d", n.name, s.Leader, s.Applied)
		}
		if len(s.Voters) != len(w.nodes) || !slices.Contains(s.Voters, n.id) {
			return fmt.Sprintf("%s knows the voters %v", n.name, s.Voters)
		}
	}
	return ""
}

// unrest says what a living member lacks: its place in each of its groups, settled, and the session.
func (m *member) unrest() string {
	if m.dead {
		return ""
	}
	if m.stalled > 0 || m.id == "" || !m.attached || !m.conn.nodeOpen {
		return "has no session"
	}
	if max(m.conn.toNode, m.conn.toClient) > m.w.now+second/10 {
		return "has a connection that was stuck, and what is on it is under way"
	}
	if m.flying != nil && m.clock.mono()-m.flying.sent > second/10 {
		return "waits for an answer to " + m.flying.what
	}
	for _, p := range m.places {
		if p.name == "" || p.leaving {
			return "is not in " + p.group.name
		}
		if p.order != nil || p.resign {
			return "has yet to say who leads " + p.group.name
		}
		if p.ear.conn != m.conn || p.ear.name != p.name {
			return "does not hear " + p.group.name
		}
		if m.w.enough(p.group) && !m.lease.Believes(p.key(lease.Index), m.clock.reading()) {
			return "holds no index of " + p.group.name
		}
	}
	if m.w.plan.locks && !m.hold.served {
		return "has not had the lock"
	}
	return ""
}

// strangers says whether a session of somebody dead lives on, or a group has no leader that knows it.
func (w *World) strangers() string {
	alive := 0
	for _, m := range w.members {
		if !m.dead {
			alive++
		}
	}
	if w.plan.insiders {
		alive += len(w.nodes)
	}
	if n := w.nodes[0].r.State().SessionCount(); n != alive {
		return fmt.Sprintf("there are %d sessions of %d living members", n, alive)
	}
	for i := range w.plan.groups {
		g := &w.plan.groups[i]
		if !w.enough(g) {
			continue
		}
		if !w.led(g) {
			return g.name + " has no leader"
		}
		if text := w.unshared(g); text != "" {
			return text
		}
	}
	return ""
}

func (w *World) led(g *groupPlan) bool {
	return w.leads(lease.Key{Group: g.name, Kind: lease.Leadership})
}

// leads says whether somebody alive believes that it holds a leadership.
func (w *World) leads(key lease.Key) bool {
	return slices.ContainsFunc(w.members, func(m *member) bool {
		return !m.dead && m.lease.Believes(key, m.clock.reading())
	})
}

// compareNodes sees that all nodes have the same state.
func (w *World) compareNodes() {
	first := w.nodes[0].digest()
	for _, n := range w.nodes[1:] {
		if n.digest() != first {
			w.fail("the states of %s and %s differ at rest", w.nodes[0].name, n.name)
		}
	}
}

// value reads a key from a node's own state.
func (n *node) value(key string) string { return n.do("GET", key).Text() }

// do reads from a node's own state.
func (n *node) do(words ...string) caucus.Reply {
	return n.r.State().Read(&entry.Op{Args: words}, 0, false, nobody{})
}

// nobody is a host without clients.
type nobody struct{}

func (nobody) Steps(*entry.Batch) []entry.Step { return nil }
func (nobody) Publish(string, string) int      { return 0 }
func (nobody) Send(*machine.Message)           {}
func (nobody) Panicked(string, any)            {}

// compareHistory sees that what clients were told could have happened one after the other, and that what
// they were told of their writes is true.
func (w *World) compareHistory() {
	final := map[string]string{}
	for i := range w.plan.keys {
		key := fmt.Sprintf("k%d", i)
		final[key] = w.nodes[len(w.nodes)-1].value(key)
	}
	w.compareJournal()
	w.compareRights()
	w.compareBank()
	w.compareBooks()
	w.compareGoods()
	byKey := map[string][]porcupine.Operation{}
	read := map[string]bool{}
	for _, op := range w.checks.history {
		if op.kind == opGet || op.kind == opSet {
			w.register(byKey, read, op)
		}
	}
	for _, op := range w.checks.history {
		if op.kind == opSet && op.done == refused && (read[op.value] || final[op.key] == op.value) {
			w.fail("SAFETY A9: %s of %s was answered TRYAGAIN and was applied", op.value, op.key)
		}
	}
	for i := range w.plan.keys {
		key := fmt.Sprintf("k%d", i)
		ops := append(byKey[key], porcupine.Operation{Input: registerInput{}, Output: final[key],
			Call: w.now, Return: w.now})
		if !porcupine.CheckOperations(register(), ops) {
			w.fail("the history of %s is not linearizable: %s", key, w.story(key, final[key]))
		}
	}
}

// register puts an operation where porcupine finds it. What certainly was not applied, and reads that
// were not answered, did not happen.
func (w *World) register(byKey map[string][]porcupine.Operation, read map[string]bool, op *operation) {
	if op.done == refused || op.kind == opGet && op.done != applied {
		return
	}
	in := registerInput{}
	if op.kind == opSet {
		in = registerInput{write: true, value: op.value}
	} else {
		read[op.seen] = true
	}
	byKey[op.key] = append(byKey[op.key], porcupine.Operation{ClientId: op.client, Input: in, Output: op.seen,
		Call: op.call, Return: op.end})
}

type registerInput struct {
	write bool
	value string
}

// register is a key as porcupine knows it.
func register() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			if in := input.(registerInput); in.write {
				return true, in.value
			}
			return output == state, state
		},
	}
}

func (w *World) story(key, final string) string {
	var b strings.Builder
	for _, op := range w.checks.history {
		if op.key == key && op.done != refused {
			end := "?"
			if op.end != forever {
				end = clockText(op.end)
			}
			fmt.Fprintf(&b, "\n  w%d %s..%s kind %d wrote %q read %q", op.client, clockText(op.call), end, op.kind,
				op.value, op.seen)
		}
	}
	return b.String() + "\n  at last " + final
}

// compareJournal sees that every word was added once if it was acknowledged, never if it was refused,
// and not twice in any case (SAFETY A9).
func (w *World) compareJournal() {
	w.compareTimes("journal", opAdd, w.words(journal))
}

func (w *World) compareTimes(where string, kind opKind, times map[string]int) {
	for _, op := range w.checks.history {
		n := times[op.value]
		if op.kind == kind && (n > 1 || n == 0 && op.done == applied || n > 0 && op.done == refused) {
			w.fail("SAFETY A9: %s is %d times in the %s, its outcome was %d", op.value, n, where, op.done)
		}
	}
}
