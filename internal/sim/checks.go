package sim

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/replica"
)

// checks is what the world knows of itself, to see that nothing is as it must never be.
type checks struct {
	history []*operation
	tasks   []*task                // of all clerks
	goods   goods                  // of all porters
	leaders map[uint64]uint64      // who led a term
	digests map[uint64]digest      // of the state, by index
	told    map[string]*groupStory // by group
	heard   map[*node]map[string]uint64
	counts  map[string]int
	time    timeKept
	ordered int64 // true time at which a TRANSFER, EVICT, RESIGN or SET was sent or answered last
	stirred bool  // a member has done something since beliefs were looked at
	seen    seen
	tokens  map[lease.Key]uint64 // the newest epoch and term that anybody believed in
	mail    mail
	changes chronicle
	// topLevel is the highest feature level that any state had.
	topLevel uint16
	tell     func(entry.Event) // every event once, when the first node tells it; nil for nobody
	planted  func()            // a mistake that a test has put there, looked at after each step; nil for none
}

type digest struct {
	sum [32]byte
	who string
}

// groupStory is all that happened in a group, as told by whichever node was first.
type groupStory struct {
	events map[uint64]string
	last   uint64
	life   uint64
	tokens map[string]uint64 // the last epoch and the last term
	polls  map[uint64]*pollStory
	roll
}

func (c *checks) start() {
	*c = checks{leaders: map[uint64]uint64{}, digests: map[uint64]digest{}, told: map[string]*groupStory{},
		heard: map[*node]map[string]uint64{}, counts: map[string]int{}, mail: newMail(),
		changes: newChronicle(), seen: seen{}, goods: goods{all: map[string]*parcel{}},
		tokens: map[lease.Key]uint64{}}
}

func (c *checks) count(what string) { c.counts[what]++ }

// started forgets what a node has told in its former life.
func (c *checks) started(n *node) {
	c.heard[n] = map[string]uint64{}
	c.changes.forget(n)
}

// step looks at what the members believe: all assignments of a group are of one epoch, no index has two
// holders, no group two leaders, no slot two holders (SAFETY A3). A belief begins only when its member does
// something; whatever else happens, it can only end.
func (c *checks) step(w *World) {
	if c.planted != nil {
		c.planted()
	}
	if !c.stirred {
		return
	}
	c.stirred = false
	for i := range w.plan.groups {
		c.believers(w, w.plan.groups[i].name)
		c.holders(w, &w.plan.groups[i])
	}
	if w.plan.locks {
		c.believers(w, theLockKey.Group)
	}
	if w.plan.insiders {
		w.first()
	}
}

func (c *checks) believers(w *World, group string) {
	var leads *member
	var held [16]*member
	var values [16]lease.Value
	n := 0
	for _, m := range w.members {
		if m.dead || m.id == "" {
			continue
		}
		now := m.clock.reading()
		if m.lease.Believes(lease.Key{Group: group, Kind: lease.Leadership}, now) {
			if leads != nil {
				w.fail("SAFETY A3: %s and %s both believe that they lead %s", leads.name, m.name, group)
			}
			leads = m
		}
		v, ok := m.lease.Held(lease.Key{Group: group, Kind: lease.Index}, now)
		if !ok {
			continue
		}
		for i := range n {
			if values[i].Token != v.Token || values[i].Index == v.Index {
				w.fail("SAFETY A3: in %s %s believes in index %d of epoch %d and %s in index %d of epoch %d", group,
					held[i].name, values[i].Index, values[i].Token, m.name, v.Index, v.Token)
			}
		}
		held[n], values[n] = m, v
		n++
	}
}

// output looks at what a replica puts out.
func (c *checks) output(n *node, out *replica.Output) {
	for i := range out.Notices {
		if out.Notices[i].Text == "leader" {
			c.leader(n, out.Notices[i].Args[1].(uint64))
		}
	}
	index := n.r.State().Index()
	if index < n.applied {
		n.w.fail("%s went back from entry %d to %d", n.name, n.applied, index)
	}
	if index != n.applied && index%16 == 0 && !n.altered {
		c.digest(n, index)
	}
	if index != n.applied {
		c.promised(n)
	}
	n.applied = index
	c.time.look(n)
	c.changes.look(n)
	c.level(n, out.Reset)
	if out.Reset {
		c.heard[n] = map[string]uint64{}
	}
	for _, e := range out.Events {
		n.w.note(n.name, "event", e.Seq)
		c.event(n, e)
	}
}

func (c *checks) leader(n *node, term uint64) {
	c.count("elections")
	if other, ok := c.leaders[term]; ok {
		n.w.fail("SAFETY A1: node %d leads term %d, which node %d has led", n.id, term, other)
	}
	c.leaders[term] = n.id
}

// digest compares the state with that of the others at the same entry.
func (c *checks) digest(n *node, index uint64) {
	sum := n.digest()
	if other, ok := c.digests[index]; ok && other.sum != sum {
		n.w.fail("the states of %s and %s differ after entry %d", other.who, n.name, index)
	}
	c.digests[index] = digest{sum, n.name}
}

func (n *node) digest() [32]byte {
	sum, err := n.r.State().View().Digest()
	if err != nil {
		n.w.fail("%s has no digest: %v", n.name, err)
	}
	return sum
}

// story gives what is known of a group.
func (c *checks) story(group string) *groupStory {
	if c.told[group] == nil {
		c.told[group] = &groupStory{events: map[uint64]string{}, tokens: map[string]uint64{},
			polls: map[uint64]*pollStory{}, roll: newRoll()}
	}
	return c.told[group]
}

// event sees that seq has no gaps in a node's telling, and that all nodes tell the same.
func (c *checks) event(n *node, e entry.Event) {
	life := field(e.JSON, "life")
	s := c.story(e.Group)
	if last, ok := c.heard[n][e.Group]; ok && e.Seq != last+1 && e.Seq != life+1 {
		n.w.fail("%s: event %d of %s follows event %d", n.name, e.Seq, e.Group, last)
	}
	c.heard[n][e.Group] = e.Seq
	if known, ok := s.events[e.Seq]; ok {
		if known != e.JSON {
			n.w.fail("event %d of %s is told in two ways: %s and %s", e.Seq, e.Group, known, e.JSON)
		}
		return
	}
	if e.Seq != s.last+1 && e.Seq != life+1 || e.Seq <= s.last {
		n.w.fail("event %d of %s follows event %d: %s", e.Seq, e.Group, s.last, e.JSON)
	}
	s.events[e.Seq], s.last, s.life = e.JSON, e.Seq, life
	c.count("events")
	s.register(n, e)
	c.message(n, e)
	s.rises(n, e)
	s.votes(n, e)
	if c.tell != nil {
		c.tell(e)
	}
}

// rises sees that terms and epochs only rise (SAFETY A16).
func (s *groupStory) rises(n *node, e entry.Event) {
	for kind, name := range map[string]string{"settled": "epoch", "leader": "term"} {
		if !strings.Contains(e.JSON, `"event":"`+kind+`"`) {
			continue
		}
		v := field(e.JSON, name)
		if v <= s.tokens[name] {
			n.w.fail("%s of %s went from %d to %d", name, e.Group, s.tokens[name], v)
		}
		s.tokens[name] = v
	}
}

// believer is whoever believes by the rule of package lease.
type believer struct {
	w     *World
	name  string
	lease *lease.Lease
	clock *clock
}

func (m *member) believer() believer { return believer{m.w, m.name, &m.lease, &m.clock} }

// believed sees that no epoch or term is believed in after a later one was, and that what is, the events have
// told (SAFETY A16).
func (c *checks) believed(b believer, name string, key lease.Key) {
	v, ok := b.lease.Held(key, b.clock.reading())
	if !ok {
		return // it has learnt of it too late
	}
	newest, told := c.tokens[key], c.story(key.Group).tokens[name]
	if v.Token < newest || v.Token > told {
		b.w.fail("SAFETY A16: %s believes in %s %d of %s; %d was believed in and %d told", b.name, name, v.Token,
			key.Group, newest, told)
	}
	c.tokens[key] = v.Token
}

// text reads a word of an event.
func text(json, name string) string {
	_, rest, _ := strings.Cut(json, `"`+name+`":"`)
	word, _, _ := strings.Cut(rest, `"`)
	return word
}

// field reads a number of an event.
func field(json, name string) uint64 {
	_, rest, _ := strings.Cut(json, `"`+name+`":`)
	end := strings.IndexAny(rest, ",}")
	v, err := strconv.ParseUint(rest[:max(0, end)], 10, 64)
	if err != nil {
		return 0
	}
	return v
}
