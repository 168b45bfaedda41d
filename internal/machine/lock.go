package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// A lock is the leadership of the group lock/NAME. Who holds it leads, who waits for it stands in the
// group's line, so it is fair; its fencing term is the leader's. Work is not divided there: who comes and
// goes in the line takes nothing from the holder, so its belief needs no new promise (SAFETY A3).

// lockCommands names who carries out LOCK.
func (m *Machine) lockCommands() {
	m.writes["lock|acquire"] = acquireLock
	m.writes["lock|release"] = releaseLock
	m.reads["lock|help"] = m.help("lock")
	m.reads[opInLine] = inLine
	m.writes[opForsake] = forsakeWait
}

// isLock says whether the group is that of a lock.
func (g *group) isLock() bool { return ofLock(g.name) }

func ofLock(group string) bool { return strings.HasPrefix(group, lockPrefix) }

// lockPrefix begins the names of the groups of locks.
var lockPrefix = caucus.LockGroup("")

func legalLock(name string) *caucus.Error {
	if caucus.ValidGroup(caucus.LockGroup(name)) {
		return nil
	}
	return caucus.Errorf(caucus.ErrBad, "a lock name is 1-%d letters, digits and '._-/', "+
		"not beginning or ending with '/', without an empty, '.' or '..' part", caucus.MaxName-len(lockPrefix))
}

// acquiring is an ACQUIRE whose checks are under way: a joining of the lock's group.
type acquiring struct {
	joining
	wait *int64 // milliseconds, 0 for no limit; nil: not to wait
}

// acquireLock answers the term under which the session holds the lock, or nil when it does not; or that it
// waits in line (SAFETY B7). Who does not get the lock and does not wait leaves no trace.
func acquireLock(c *call) caucus.Reply {
	a := &acquiring{joining: joining{call: c, statement: &statement{}, name: caucus.LockGroup(c.args[2])}}
	if err := a.check(); err != nil {
		return caucus.ErrorReply(err)
	}
	if len(c.op.Queue) > 0 || c.op.Once > 0 {
		a.wait = nil // an answer that comes later has no place there
	}
	switch mb := a.present(); {
	case mb != nil && a.group.leader == mb.order:
		a.keepAttached()
		return caucus.Int(int64(a.group.term))
	case mb != nil:
		return a.waitOn(mb)
	case a.wait == nil && !a.free():
		return caucus.Nil()
	}
	return a.standInLine()
}

// check makes all checks in the order of WIRE; only then is anything changed.
func (a *acquiring) check() *caucus.Error {
	if err := a.parse(a.args[3:]); err != nil {
		return err
	}
	if err := legalLock(a.args[2]); err != nil {
		return err
	}
	if err := a.joining.check(); err != nil {
		return err
	}
	if a.group != nil && a.group.noLeader {
		return leaderless(a.group)
	}
	return within("WAIT", a.wait, 0, command.MaxBlock)
}

func (a *acquiring) parse(args caucus.Command) *caucus.Error {
	for i := 0; i < len(args); i += 2 {
		target := &a.wait
		switch strings.ToUpper(args[i]) {
		case "WAIT":
		case "TTL":
			target = &a.ttl
		default:
			return unknownOption(args[i])
		}
		if i+1 == len(args) {
			return noValue(args[i])
		}
		n, err := number(args[i], args[i+1])
		if err != nil {
			return err
		}
		*target = &n
	}
	return nil
}

// free says whether who joins now holds the lock at once.
func (a *acquiring) free() bool {
	return a.group == nil || a.group.members.Len() == 0 && a.group.min <= 1
}

// standInLine makes the session a member of the lock's group; the first in line has the lock.
func (a *acquiring) standInLine() caucus.Reply {
	if err := a.room(); err != nil {
		return caucus.ErrorReply(err)
	}
	if a.group == nil {
		a.settle = new(int64)
	}
	a.enter()
	a.group, _ = a.m.groups.GetMut(a.name)
	mb := a.present()
	if a.group.leader == mb.order {
		return caucus.Int(int64(a.group.term))
	}
	return a.waitOn(mb)
}

// waitOn has a member that does not hold the lock wait for it, in place of an earlier wait of its own; or
// no longer.
func (a *acquiring) waitOn(mb *member) caucus.Reply {
	a.keepAttached()
	if a.wait == nil {
		if mb.wait.on {
			a.m.quitLine(a.group, mb)
			a.m.finish()
		}
		return caucus.Nil()
	}
	a.m.endWait(a.group, mb.order, caucus.Nil())
	w := lockWait{on: true, asker: a.asker()}
	if *a.wait > 0 {
		w.until = a.now + *a.wait*1000
		a.m.arm(w.deadline(a.name, mb.order))
	}
	mb, _ = a.group.members.GetMut(mb.order)
	mb.wait = w
	return waitsInLine(a.session.ttl, 0)
}

// releaseLock gives back a lock that the session holds under the term that it names. It takes effect at
// once: whoever sends it has stopped believing before (SAFETY A3).
func releaseLock(c *call) caucus.Reply {
	term, err := number("term", c.args[3])
	if err == nil {
		err = legalLock(c.args[2])
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	own, err := c.own()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, ok := c.m.groups.GetMut(caucus.LockGroup(c.args[2]))
	if !ok {
		return caucus.Int(0)
	}
	holder := g.holder()
	if holder == nil || holder.session != own.id || int64(g.term) != term {
		return caucus.Int(0)
	}
	c.m.quitLine(g, holder)
	c.m.finish()
	return caucus.Int(1)
}
