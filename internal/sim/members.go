package sim

import (
	"fmt"
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

// member is a client process that holds a session and is a member of groups. It behaves as a client library
// does, and believes by the rule of package lease alone.
type member struct {
	w        *World
	number   int
	name     string
	clock    clock
	ttl      int64 // milliseconds
	grace    int64
	dead     bool  // its process has ended
	stalled  int64 // true time until which the process stands still
	cutTo    int64 // true time until which it reaches no node
	backlog  []func()
	timer    int64 // true time of the next look, 0 for none
	conn     *conn
	attached bool // the connection carries the session
	id       string
	lease    lease.Lease
	places   []*place
	hold     hold
	flying   *errand
	patient  int64 // not before this true time again, after something failed
	lives    int
	told     int64 // the ensemble's clock as the last promise told it
	heard    map[voice]heard
}

// place is a group in which the member wants to be.
type place struct {
	group   *groupPlan
	name    string // of the member, "" while it has not joined
	leaving bool
	resign  bool
	order   caucus.Command       // about another member, to be sent; nil for none
	away    int64                // true time until which it stays out
	reads   map[lease.Kind]int64 // when it may read again, by its monotonic clock
	number  uint64               // in the group's line, as the events told it
	plain   bool                 // it joins without saying what the group should be like
	ballots int64                // when it does something about votes again, by its monotonic clock
	poll    uint64               // in which it will vote next, 0 for none
	known   []uint64             // polls of the group that it has read of
	asked   []int                // slots that it is to release
	stopped int64                // when it has stopped working on these, by its monotonic clock
	ear     ear                  // where it hears messages
	letters []*letter            // that it is still to send, at rest
	eager   bool                 // it speaks again at once
}

// errand is a request that is under way, and what to do with its answer.
type errand struct {
	what    string
	sent    int64
	replies func(replies []caucus.Reply)
}

func newMember(w *World, number int) *member {
	m := &member{w: w, number: number, name: fmt.Sprintf("m%d", number)}
	m.born()
	return m
}

// born begins a process.
func (m *member) born() {
	w := m.w
	m.lives++
	*m = member{w: w, number: m.number, name: m.name, lives: m.lives, clock: newClock(w),
		heard: map[voice]heard{}}
	m.ttl = pick(w, []int64{300, 500, 800, 1500, 3000})
	m.grace = min(m.ttl, pick(w, []int64{0, 100, 200, 500, 1000}))
	for i := range w.plan.groups {
		if i == 0 || w.chance(60) {
			m.places = append(m.places, &place{group: &w.plan.groups[i], reads: map[lease.Kind]int64{}})
		}
	}
	w.after(w.between(0, 500*millisecond), m.look(m.lives))
}

// look is a timer that belongs to one process.
func (m *member) look(life int) func() {
	return func() {
		if m.lives == life {
			m.input(m.next)
		}
	}
}

func (m *member) vouches() bool { return m.grace == 0 }

// input lets the process do something, once it does not stand still.
func (m *member) input(do func()) {
	switch {
	case m.dead:
	case m.stalled > 0:
		m.backlog = append(m.backlog, do)
	default:
		m.w.checks.stirred = true
		do()
	}
}

// pause makes the process stand still. Suspended says that its monotonic clock stands still as well.
func (m *member) pause(d int64, suspended bool) {
	if m.dead || m.stalled > 0 {
		return
	}
	m.w.note(m.name, "pause", uint64(d), flag(suspended))
	life := m.lives
	m.stalled = m.w.now + d
	if suspended {
		m.clock.slept += d
	}
	m.w.at(m.stalled, func() {
		if m.lives != life || m.dead {
			return
		}
		m.w.note(m.name, "resume")
		m.stalled = 0
		list := m.backlog
		m.backlog = nil
		for _, do := range list {
			m.input(do)
		}
		m.next()
	})
}

// cutOff keeps everything between the member and all nodes from getting through for a while.
func (m *member) cutOff(d int64) {
	m.cutTo = m.w.now + d
	if m.conn != nil {
		m.conn.stuck = max(m.conn.stuck, m.cutTo)
	}
}

// crash ends the process. Its host closes its connection, unless that is gone as well.
func (m *member) crash(rudely bool) {
	if m.dead {
		return
	}
	m.w.note(m.name, "crash", flag(rudely))
	m.dead = true
	m.lease.End()
	if m.conn == nil {
		return
	}
	if rudely {
		m.conn.vanish()
	} else {
		m.conn.close()
	}
}

// lost is a broken connection. The session is taken up again elsewhere.
func (m *member) lost(c *conn) {
	m.input(func() {
		if c != m.conn {
			return
		}
		m.w.note(m.name, "connection lost")
		m.conn, m.attached, m.flying = nil, false, nil
		m.next()
	})
}

func (m *member) answered(c *conn, r *request) {
	m.input(func() {
		if c != m.conn || m.flying == nil {
			return
		}
		e := m.flying
		m.flying = nil
		m.w.note(m.name, e.what)
		e.replies(r.replies)
		m.next()
	})
}

// hangUp closes the connection itself, as when an answer takes too long. Who vouched for its connection has
// thereby given up its session.
func (m *member) hangUp() {
	m.w.note(m.name, "hangs up")
	if m.grace == 0 {
		m.forget()
	}
	m.conn.close()
	m.conn, m.attached, m.flying = nil, false, nil
}

// move takes the session to another node; the end of the old connection arrives when it will (SAFETY A4).
func (m *member) move() {
	if m.conn == nil || m.grace == 0 {
		return
	}
	m.conn.stuck = m.w.now + m.w.between(0, second/2)
	m.hangUp()
	m.w.checks.count("moved")
	m.next()
}

// forget is the end of the session.
func (m *member) forget() {
	m.lease.End()
	m.lease, m.id, m.attached, m.hold = lease.Lease{}, "", false, hold{}
	for _, p := range m.places {
		p.name, p.leaving = "", false
		p.forget()
	}
}

// next does what is to be done now, or sees to it that it looks again in time.
func (m *member) next() {
	switch {
	case m.dead || m.stalled > 0:
	case m.flying != nil:
		if wait := m.flying.sent + 3*patience/2 - m.clock.mono(); wait > 0 {
			m.sleep(wait)
			return
		}
		m.hangUp()
		m.next()
	case m.w.now < m.patient:
		m.sleep(m.patient - m.w.now)
	case m.conn == nil:
		if m.w.now >= m.cutTo {
			m.conn = m.w.dial(pick(m.w, m.w.nodes), m)
		}
		if m.conn == nil {
			m.wait()
		}
		m.next()
	default:
		m.work()
	}
}

// wait lets some time pass before anything is tried again.
func (m *member) wait() { m.patient = m.w.now + m.w.between(5*millisecond, 80*millisecond) }

// sleep looks again after d of the member's clock, or sooner.
func (m *member) sleep(d int64) {
	at := m.w.now + max(1, d)
	if m.timer > m.w.now && m.timer <= at {
		return
	}
	m.timer = at
	life := m.lives
	m.w.at(at, func() {
		if m.lives == life && m.timer == at {
			m.timer = 0
			m.input(m.next)
		}
	})
}

// send sends a pipeline and remembers what its answers are for.
func (m *member) send(what string, replies func([]caucus.Reply), cmds ...caucus.Command) {
	m.flying = &errand{what: what, sent: m.clock.mono(), replies: replies}
	m.conn.ask(cmds...)
	m.sleep(3 * patience / 2)
}

// order is send for what those whom it is about may hear of only later: until then the world is not at rest.
func (m *member) order(what string, replies func([]caucus.Reply), cmd caucus.Command) {
	m.w.checks.ordered = m.w.now
	m.send(what, func(list []caucus.Reply) {
		m.w.checks.ordered = m.w.now
		replies(list)
	}, cmd)
}

// work does what is most urgent of what the session needs.
func (m *member) work() {
	switch {
	case m.id == "":
		m.openSession()
	case !m.attached:
		m.resume()
	default:
		wait := m.lease.NextHeartbeat(m.clock.reading())
		if wait == 0 {
			m.keepAlive()
			return
		}
		for _, p := range m.places {
			at := m.tend(p)
			if m.flying != nil {
				return
			}
			wait = min(wait, at)
		}
		wait = min(wait, m.contend())
		if m.flying == nil {
			m.sleep(wait)
		}
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func (m *member) openSession() {
	m.send("SESSION OPEN", func(replies []caucus.Reply) {
		if m.failed(replies[0]) {
			return
		}
		m.id, m.attached, m.lease = replies[0].Str, true, lease.Lease{}
		m.w.checks.count("sessions")
	}, caucus.Command{"SESSION", "OPEN", "TTL", number(m.ttl), "GRACE", number(m.grace)})
}

func (m *member) resume() {
	m.send("SESSION RESUME", func(replies []caucus.Reply) {
		if word := m.word(replies[0]); word == caucus.ErrNoSession.Word {
			m.w.note(m.name, "session ended")
			m.forget()
		} else if !m.failed(replies[0]) {
			m.attached = true
			m.w.checks.count("resumed")
		}
	}, caucus.Command{"SESSION", "RESUME", m.id})
}

// keepAlive sends a heartbeat, and sometimes reads in the same pipeline.
func (m *member) keepAlive() {
	asked := m.lease.Heartbeat(m.clock.reading())
	cmds := []caucus.Command{{"SESSION", "KEEPALIVE"}}
	var reads []*place
	if m.w.chance(30) {
		for _, p := range m.places {
			if p.name != "" && !p.leaving {
				cmds = append(cmds, caucus.Command{"GROUP", "INDEX", p.group.name},
					caucus.Command{"GROUP", "LEADER", p.group.name})
				reads = append(reads, p)
			}
		}
	}
	m.send("SESSION KEEPALIVE", func(replies []caucus.Reply) {
		m.promised(asked, replies[0])
		for i, p := range reads {
			m.gotIndex(asked, p, replies[1+2*i])
			m.gotLeader(asked, p, replies[2+2*i])
		}
	}, cmds...)
}

func (m *member) promised(asked lease.Asked, r caucus.Reply) {
	if m.failed(r) || len(r.Items) != 3 {
		return
	}
	m.w.note(m.name, "promise", uint64(r.Items[0].Int), uint64(r.Items[2].Int))
	m.told = r.Items[1].Int
	m.lease.Promise(asked, r.Items[0].Int, uint64(r.Items[2].Int))
	m.w.checks.count("promises")
}

// word gives the word of an error, "" when it is none.
func (m *member) word(r caucus.Reply) string {
	if r.Kind != caucus.KindError {
		return ""
	}
	return caucus.ParseError(r.Str).Word
}

// failed says whether a reply is an error, and prepares for what comes of it.
func (m *member) failed(r caucus.Reply) bool {
	word := m.word(r)
	switch word {
	case "":
		return false
	case caucus.ErrTryAgain.Word, caucus.ErrUncertain.Word, caucus.ErrConflict.Word, caucus.ErrNoSpace.Word:
	case caucus.ErrNoSession.Word, caucus.ErrNoGroup.Word, caucus.ErrNoMember.Word:
		m.attached = false // a RESUME will tell
	default:
		m.w.fail("%s was answered %q", m.name, r.Str)
	}
	m.w.note(m.name, r.Str)
	m.wait()
	return true
}
