package sim

import (
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
)

// theLock is what members contend for, in worlds that have one.
const theLock = "l"

var theLockKey = lease.Key{Group: caucus.LockGroup(theLock), Kind: lease.Leadership}

// errLeft ends the wait of a client that is gone, which reads no answer.
var errLeft = caucus.Errorf(caucus.ErrTryAgain, "nobody waits any more")

// hold is a member's dealing with the lock.
type hold struct {
	term   uint64 // under which it was last had
	until  int64  // true time at which it is released
	again  int64  // when the member may ask again, by its monotonic clock
	served bool   // it had the lock after the faults were over, and gave it back
}

// contend takes the lock, keeps it for a while and gives it back; or says when to look again.
func (m *member) contend() int64 {
	if !m.w.plan.locks {
		return second
	}
	if m.lease.Believes(theLockKey, m.clock.reading()) {
		if left := m.hold.until - m.w.now; left > 0 {
			return left
		}
		m.releaseLock()
		return 0
	}
	if m.hold.served {
		return second
	}
	if wait := m.hold.again - m.clock.mono(); wait > 0 {
		return wait
	}
	m.acquireLock()
	return 0
}

// acquireLock asks for the lock. Its answer shows what the session holds, so a belief may begin with it.
func (m *member) acquireLock() {
	cmd := caucus.Command{"LOCK", "ACQUIRE", theLock}
	if m.w.chance(60) {
		cmd = append(cmd, "WAIT", number(m.w.between(1, 600)))
	}
	asked := m.lease.Ask(m.clock.reading())
	m.send("LOCK ACQUIRE", func(replies []caucus.Reply) {
		m.hold.again = m.clock.mono() + m.w.between(10*millisecond, 200*millisecond)
		r := replies[0]
		if m.failed(r) || r.Kind != caucus.KindInt {
			m.w.checks.count("locks not had")
			return
		}
		if term := uint64(r.Int); term != m.hold.term {
			m.hold.term, m.hold.until = term, m.w.now+m.w.between(0, 600*millisecond)
			if m.w.calm {
				m.hold.until = m.w.now + 20*millisecond
			}
			m.w.checks.count("locks")
		}
		if m.lease.Grant(asked, theLockKey, lease.Value{Token: m.hold.term}) {
			m.w.checks.believed(m.believer(), "term", theLockKey)
		}
	}, cmd)
}

// releaseLock stops believing before it is sent, and again when the answer has come.
func (m *member) releaseLock() {
	m.lease.GiveUp(theLockKey)
	m.send("LOCK RELEASE", func(replies []caucus.Reply) {
		m.lease.GiveUp(theLockKey)
		m.hold.again = m.clock.mono() + m.w.between(0, 300*millisecond)
		if !m.failed(replies[0]) {
			m.hold.served = m.w.calm
		}
	}, caucus.Command{"LOCK", "RELEASE", theLock, strconv.FormatUint(m.hold.term, 10)})
}

// lookAgain is how long a node of the simulation waits until it looks again how a place in line stands.
const lookAgain = 10 * millisecond

// inLine takes the answer to a command that waits in line, as node.waitInLine does, and says whether it
// still does.
func (c *conn) inLine(p *talk.Plan, a *replica.Answer) bool {
	if p.Wait == nil || !p.Wait.InLine() {
		return false
	}
	if c.over != nil {
		*a = replica.Answer{Results: []entry.Result{{Reply: *c.over}}}
	}
	waits := a.Err == nil && p.Waiting(a.Results)
	if waits && c.first == nil {
		c.first = a
		what := "waits for elements"
		if p.Steps[0].Op.Args[0] == "LOCK" {
			what = "waits for locks"
		}
		c.w.checks.count(what)
	}
	if waits && c.nodeOpen && !c.closing {
		c.w.after(lookAgain, func() { c.n.input(func(now replica.Time) { c.look(now, p) }) })
		return true
	}
	if waits {
		a.Err = errLeft
	}
	if c.first != nil && a.Err != nil {
		a.Err = p.Wait.Broken
		c.talk.Opened(p, c.first.Results[0].Attach)
	}
	if c.first != nil && a.Err == nil {
		a.Results[0].Attach = c.first.Results[0].Attach
	} else if c.first != nil {
		c.n.more = true
		c.n.r.Report(c.n.clock.time(), p.Wait.Forsake)
	}
	c.first, c.over = nil, nil
	return false
}

// waitIsOver takes note of what an entry has made of a wait in line.
func (n *node) waitIsOver(w machine.WaitEnd) {
	for _, c := range n.conns {
		if c.id == w.Conn && c.plan != nil && c.plan.Wait != nil && c.plan.Wait.Forsake.Request == w.Request {
			c.over = &w.Reply
		}
	}
}

// look reads again how the place in line stands, and shows that the client is still there.
func (c *conn) look(now replica.Time, p *talk.Plan) {
	if c.plan != p || !c.nodeOpen {
		return
	}
	c.asked = c.w.now
	c.n.r.Submit(now, &replica.Batch{Beats: p.Beats, Deadline: now.Mono + patience})
	c.n.r.Submit(now, &replica.Batch{Steps: p.Wait.Again, Stale: true, Deadline: now.Mono + patience, Tag: c})
}
