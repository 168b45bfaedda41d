package machine_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// bare is a machine with the least around it: one node, which leads, clients that converse with it, and a
// plain model of the leader's clocks. It is a stage of stories.
type bare struct {
	t       testing.TB
	m       *machine.Machine
	table   *command.Table
	clients map[string]*client
	now     int64 // milliseconds since the beginning
	index   uint64
	number  uint64
	opened  int
	dialled uint64 // connections so far
	events  []entry.Event
	ends    []machine.WaitEnd // of waits in line

	heard   map[entry.Session]int64
	dropped map[entry.Session]int64
	waits   map[uint64]*wait // what was revoked and is not granted yet, by token

	watch func() // called after every entry; nil for none
}

// client is one connection.
type client struct {
	conn    uint64 // its number
	id      string
	session entry.Session
	attach  uint64
	seen    uint64 // version of the last promise it received
	queue   []caucus.Command
	multi   bool
}

// wait is a Pending, since when, until when its holders may believe in it, and which of them answered.
type wait struct {
	machine.Pending
	first          uint64 // the token of the first revocation, when further changes followed it
	since, believe int64
	answered       map[entry.Session]bool
}

const (
	bareTerm = 7
	epoch0   = 1_700_000_000_000 // unix milliseconds at which stories begin
)

func newBare(t testing.TB) *bare {
	table, custom := storyCommands(t)
	b := &bare{t: t, table: table, clients: map[string]*client{}, heard: map[entry.Session]int64{},
		dropped: map[entry.Session]int64{}, waits: map[uint64]*wait{}}
	b.m = machine.New([16]byte{1}, epoch0*1000)
	b.m.Know(table, custom)
	n := machine.Node{ID: 1, Name: "n1"}
	b.index++
	if !b.m.Admit(b.index, bareTerm, n) {
		t.Fatal("the node was not admitted")
	}
	n.Boot, n.Boots = entry.Boot{1}, 1
	b.batch(machine.Boot(n))
	return b
}

// steps answers every operation of a batch.
type steps struct{}

func (steps) Publish(string, string) int { return 0 }
func (steps) Send(*machine.Message)      {}
func (steps) Panicked(string, any)       {}

func (steps) Steps(b *entry.Batch) []entry.Step {
	list := make([]entry.Step, len(b.Ops))
	for i := range b.Ops {
		list[i] = entry.Step{Op: &b.Ops[i], Write: true}
	}
	return list
}

func (b *bare) batch(ops ...entry.Op) []entry.Result {
	b.number++
	return b.apply(&entry.Entry{Batches: []entry.Batch{
		{Node: 1, Boot: entry.Boot{1}, Number: b.number, Ops: ops}}})
}

// apply applies an entry as it comes off the log, and looks at what it changed.
func (b *bare) apply(e *entry.Entry) []entry.Result {
	b.t.Helper()
	b.index++
	e.Level, e.Term, e.Stamp = entry.Level, bareTerm, (epoch0+b.now)*1000
	read, err := entry.Decode(e.Append(nil))
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := b.m.Apply(b.index, bareTerm, read, steps{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.events = append(b.events, out.Events...)
	b.ends = append(b.ends, out.Waits...)
	b.look(out)
	if b.watch != nil {
		b.watch()
	}
	if len(out.Batches) == 0 {
		return nil
	}
	return out.Batches[0].Results
}

// note logs decisions of the leader.
func (b *bare) note(ops ...entry.Op) { b.apply(&entry.Entry{Notes: ops}) }

// look is what a leader does after an entry: it arms what is new and forgets what is gone.
func (b *bare) look(out machine.Output) {
	for _, id := range out.Sessions {
		s, ok := b.m.Session(id)
		if _, known := b.heard[id]; ok && !known {
			b.heard[id] = b.now
		}
		if _, known := b.dropped[id]; s.Drop && !known {
			b.dropped[id] = b.now
		}
		if !s.Drop {
			delete(b.dropped, id)
		}
		if !ok {
			delete(b.heard, id)
		}
	}
	pending := map[uint64]bool{}
	b.m.Pendings(func(p machine.Pending) bool {
		pending[p.Token] = true
		b.await(p)
		return true
	})
	for token := range b.waits {
		if !pending[token] {
			delete(b.waits, token)
		}
	}
}

func (b *bare) await(p machine.Pending) {
	w := b.waits[p.Token]
	if w == nil {
		w = b.follow(p)
		w.since = b.now
		b.waits[p.Token] = w
	}
	w.Pending = p
}

// follow goes on with what an earlier revocation of the same has begun to wait for, if there was
// one: who gave up then has been granted nothing since.
func (b *bare) follow(p machine.Pending) *wait {
	for _, w := range b.waits {
		if w.Group == p.Group && w.Lead == p.Lead {
			return &wait{first: w.first, believe: w.believe, answered: w.answered}
		}
	}
	w := &wait{first: p.Token, believe: b.now, answered: map[entry.Session]bool{}}
	for _, id := range p.Holders {
		s, _ := b.m.Session(id)
		w.believe = max(w.believe, b.now+s.Promise())
	}
	return w
}

// ready gives when the grant may be made (SAFETY A3).
func (w *wait) ready() int64 {
	at := w.since + w.Settle
	for _, id := range w.Holders {
		if !w.answered[id] {
			return max(at, w.believe)
		}
	}
	return at
}

// Advance lets the clocks run and does what comes due, in order.
func (b *bare) Advance(to int64) {
	for {
		at, do := b.next()
		if do == nil || at > to {
			break
		}
		b.now = max(b.now, at)
		do()
	}
	b.now = to
}

// next finds what the leader will do next.
func (b *bare) next() (at int64, do func()) {
	b.m.Sessions(func(s machine.SessionState) bool {
		over, reason := b.heard[s.ID]+s.TTL, machine.Expired
		if s.Evicted {
			over, reason = b.heard[s.ID]+s.Promise(), machine.Removed
		}
		if d, ok := b.dropped[s.ID]; ok && d+s.Grace < over {
			over, reason = d+s.Grace, machine.Lost
		}
		if do == nil || over < at {
			at, do = over, func() { b.note(machine.End(s.ID, s.Attach, bareTerm, reason)) }
		}
		return true
	})
	b.m.Pendings(func(p machine.Pending) bool {
		if ready := b.waits[p.Token].ready(); do == nil || ready < at {
			at, do = ready, func() { b.note(machine.Grant(p.Group, p.Token)) }
		}
		return true
	})
	if stamp, ok := b.m.NextDeadline(); ok {
		if due := (stamp+999)/1000 - epoch0; do == nil || due < at {
			at, do = due, func() { b.note() }
		}
	}
	return at, do
}

// Events gives the events since it was last asked.
func (b *bare) Events() []entry.Event {
	all := b.events
	b.events = nil
	return all
}

// HangUp closes a connection from the client's side.
func (b *bare) HangUp(name string) {
	if c := b.clients[name]; c != nil {
		b.batch(entry.Op{Conn: c.conn, Args: caucus.Command{".quitpop"}})
		if c.attach != 0 {
			b.batch(machine.Drop(c.session, c.attach))
		}
	}
	delete(b.clients, name)
}

// Do carries out one command of a client.
func (b *bare) Do(name string, cmd caucus.Command) caucus.Reply {
	c := b.client(name)
	b.hear(c)
	spec, err := b.table.Lookup(cmd)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	op := entry.Op{Conn: c.conn, Session: c.session, Attach: c.attach, Args: cmd, Bound: true}
	switch {
	case spec.Name == "multi" || c.multi:
		return b.queue(c, spec, op)
	case spec.Name == "once":
		return b.write(c, once(op))
	case strings.HasPrefix(spec.Name, "session|"):
		return b.session(c, spec, op)
	case (spec.Name == "group|join" || spec.Name == "lock|acquire") && c.attach == 0:
		op.Fresh = b.freshID(c)
	}
	switch {
	case spec.Name == "lock|acquire":
		return b.inLine(c, op)
	case spec.Timeout != 0:
		if reply := b.write(c, op); reply.Kind != caucus.KindPush {
			return reply
		}
		return b.Hear(name)
	case spec.Name == "group|send" && !slices.Contains(cmd, "ORDERED"):
		op.Args = append(caucus.Command{".send"}, cmd[1:]...)
		return b.m.Read(&op, (epoch0+b.now)*1000, false, steps{})
	}
	if !spec.Writes() {
		return b.m.Read(&op, (epoch0+b.now)*1000, false, steps{})
	}
	return b.write(c, op)
}

// client gives the connection of that name.
func (b *bare) client(name string) *client {
	c := b.clients[name]
	if c == nil {
		b.dialled++
		c = &client{conn: b.dialled}
		b.clients[name] = c
	}
	return c
}

// Wait puts a client into a line.
func (b *bare) Wait(name string, cmd caucus.Command) {
	b.ends = nil
	c := b.client(name)
	op := entry.Op{Conn: c.conn, Session: c.session, Attach: c.attach, Args: cmd, Bound: true}
	if reply := b.write(c, op); reply.Kind != caucus.KindPush {
		b.t.Fatalf("%q does not wait: %+v", cmd, reply)
	}
}

// Hear lets time pass until a client that waits in line is answered.
func (b *bare) Hear(name string) caucus.Reply {
	for {
		for i, e := range b.ends {
			if e.Conn == b.client(name).conn {
				b.ends = slices.Delete(b.ends, i, i+1)
				return e.Reply
			}
		}
		at, do := b.next()
		if do == nil {
			return caucus.Fail(caucus.ErrBad, "it waits for ever")
		}
		b.now = max(b.now, at)
		do()
	}
}

// queue is what a conversation does with a transaction, as far as stories need it.
func (b *bare) queue(c *client, spec *command.Spec, op entry.Op) caucus.Reply {
	switch {
	case spec.Name == "multi":
		c.multi = true
		return caucus.OK()
	case spec.Name != "exec":
		c.queue = append(c.queue, op.Args)
		return caucus.Status("QUEUED")
	}
	op.Queue = c.queue
	c.queue, c.multi = nil, false
	if !slices.ContainsFunc(op.Queue, b.writes) {
		return b.m.Read(&op, (epoch0+b.now)*1000, false, steps{})
	}
	return b.write(c, op)
}

func (b *bare) writes(cmd caucus.Command) bool {
	spec, err := b.table.Lookup(cmd)
	return err == nil && spec.Writes()
}

func once(op entry.Op) entry.Op {
	for _, digit := range op.Args[1] {
		op.Once = 10*op.Once + uint64(digit-'0')
	}
	op.Args = op.Args[2:]
	return op
}

// hear is what the leader makes of a client that speaks: it lives, and it has received what it was told.
func (b *bare) hear(c *client) {
	s, ok := b.m.Session(c.session)
	if !ok || s.Attach != c.attach || s.Drop || s.Evicted {
		return
	}
	b.heard[c.session] = b.now
	for _, w := range b.waits {
		if c.seen >= w.first {
			w.answered[c.session] = true
		}
	}
}

func (b *bare) write(c *client, op entry.Op) caucus.Reply {
	r := b.batch(op)[0]
	switch {
	case r.Attach != 0:
		c.attach, c.seen = r.Attach, 0
	case c.attach == 0: // nothing was opened
		*c = client{conn: c.conn}
	}
	return r.Reply
}

// inLine carries out a LOCK ACQUIRE and lets time pass while it waits.
func (b *bare) inLine(c *client, op entry.Op) caucus.Reply {
	reply := b.write(c, op)
	op.Args = caucus.Command{".inline", caucus.LockGroup(op.Args[2])}
	for reply.Kind == caucus.KindPush {
		at, do := b.next()
		if do == nil {
			b.t.Fatal("it waits for ever")
		}
		b.now = max(b.now, at)
		do()
		reply = b.m.Read(&op, (epoch0+b.now)*1000, false, steps{})
	}
	return reply
}

func (b *bare) freshID(c *client) entry.Session {
	b.opened++
	sum := sha256.Sum256([]byte{byte(b.opened >> 8), byte(b.opened)})
	c.id = hex.EncodeToString(sum[:16])
	c.session = hashed(c.id)
	return c.session
}

func hashed(id string) entry.Session {
	sum := sha256.Sum256([]byte(id))
	return entry.Session(sum[:16])
}

// session does what a conversation does with the commands about sessions: ids become hashes and come back.
func (b *bare) session(c *client, spec *command.Spec, op entry.Op) caucus.Reply {
	before := *c
	id := c.id
	if len(op.Args) > 2 && spec.Name != "session|open" {
		id = op.Args[2]
		op.Args = append(caucus.Command{}, op.Args...)
		for i := 2; i < len(op.Args); i++ {
			h := hashed(op.Args[i])
			if spec.Name == "session|keepalive" {
				b.hear(&client{session: h, attach: b.attachOf(h)})
			}
			op.Args[i] = string(h[:])
		}
	}
	switch spec.Name {
	case "session|open":
		op.Fresh = b.freshID(c)
	case "session|resume":
		c.id, c.session = id, hashed(id)
	}
	if !spec.Writes() {
		r := b.m.Read(&op, (epoch0+b.now)*1000, false, steps{})
		return b.told(c, spec.Name, id, r)
	}
	r := b.write(c, op)
	switch {
	case r.Kind == caucus.KindError:
		*c = before
	case spec.Name == "session|open":
		return caucus.Bulk(c.id)
	case spec.Name == "session|close" && id == c.id:
		*c = client{conn: c.conn}
	}
	return r
}

func (b *bare) attachOf(id entry.Session) uint64 {
	s, _ := b.m.Session(id)
	return s.Attach
}

func (b *bare) told(c *client, name, id string, r caucus.Reply) caucus.Reply {
	switch {
	case name == "session|keepalive" && id == c.id && len(r.Items) == 3:
		c.seen = uint64(r.Items[2].Int)
	case name == "session|info" && r.Kind == caucus.KindMap:
		r.Items[1] = caucus.Bulk(id)
	}
	return r
}
