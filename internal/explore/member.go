package explore

import (
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/lease"
)

// member is a process that holds a session. It keeps the rules of the client library: what it gives up it
// stops to believe in before it says so, and until that is answered nothing makes it believe in it again.
type member struct {
	attach  uint64
	former  uint64 // attachment of the connection that it left, whose end is still to be seen; 0 for none
	dead    bool   // its process has ended
	ended   bool   // it knows that its session has
	acted   bool   // it has done something; members are alike, so the second does nothing before the first
	seen    uint64 // version of the last promise that was read on its connection
	joined  bool
	inLine  [placeCount]bool // of a lock
	asked   slots            // that it is asked to release
	lease   *lease.Lease     // never changed once it is here
	looking *look            // never changed once it is here
	writing *errand          // likewise
}

// slots is a set of slots, a bit each.
type slots uint8

func (s slots) has(n int) bool { return s>>n&1 == 1 }

// act is what a member can say that is written into the log.
type act uint8

const (
	join act = iota
	leave
	resign
	release
	acquire
	unlock
	resume
	actCount
)

var actNames = [actCount]string{"GROUP JOIN g", "GROUP LEAVE g", "GROUP RESIGN g", "GROUP RELEASE g",
	"LOCK ACQUIRE ", "LOCK RELEASE ", "SESSION RESUME"}

// errand is a write that is under way, or its answer.
type errand struct {
	act
	place    int // of the lock
	sent     int64
	asked    lease.Asked
	attach   uint64
	slots    slots
	term     uint64
	answered bool
	reply    caucus.Reply
	attached uint64 // by a RESUME
}

// look is a heartbeat with reads of all that the member may hold, or the answer.
type look struct {
	sent     int64
	asked    lease.Asked
	attach   uint64
	seen     uint64
	answered bool
	seenNow
}

// seenNow is what a look finds.
type seenNow struct {
	gone         bool
	promise      int64 // milliseconds
	version      uint64
	index        lease.Value // none without a token
	terms        [placeCount]uint64
	held, wanted slots
}

// leadOf names the leadership of a place: the group's, or that a lock is held.
func leadOf(place int) lease.Key {
	return lease.Key{Group: places[place], Kind: lease.Leadership}
}

var theIndex = lease.Key{Group: theGroup, Kind: lease.Index}

func slotKey(n int) lease.Key { return lease.Key{Group: theGroup, Kind: lease.Slots, Slot: n} }

// may says whether the library would say this now.
func (w *world) may(who int, a act, place int) bool {
	m := &w.members[who]
	if m.dead || m.ended || m.writing != nil {
		return false
	}
	switch a {
	case join:
		return !m.joined
	case leave:
		return m.joined
	case resign:
		return m.lease.Believes(leadOf(0), w.reading())
	case release:
		return m.joined && m.asked != 0
	case acquire:
		return !m.inLine[place] && place <= w.locks+1
	case unlock:
		return m.inLine[place] && m.lease.Believes(leadOf(place), w.reading())
	}
	return w.left.Moves > 0 && m.looking == nil && m.former == 0
}

// say sends a write.
func (w *world) say(who int, a act, place int, f Fault) {
	m := &w.members[who]
	e := errand{act: a, place: place, sent: w.now, attach: m.attach, slots: m.asked}
	if a == acquire {
		w.locks = max(w.locks, place)
	}
	if v, ok := m.lease.Held(leadOf(place), w.reading()); ok {
		e.term = v.Token
	}
	m.lease = m.lease.Clone()
	if f != SaysBeforeItStops {
		m.giveUp(w, &e)
	}
	e.asked = m.lease.Ask(w.reading())
	if a == resume {
		w.left.Moves--
		m.former, m.seen = m.attach, 0
	}
	m.writing = &e
}

// giveUp ends the belief in what a write gives up. It is called before it is sent and when it was answered.
func (m *member) giveUp(w *world, e *errand) {
	switch e.act {
	case leave:
		m.lease.GiveUp(slotKey(lease.AllSlots))
		m.lease.GiveUp(theIndex)
		m.lease.GiveUp(leadOf(0))
	case resign, unlock:
		m.lease.GiveUp(leadOf(e.place))
	case release:
		for n := range slotCount {
			if e.slots.has(n) {
				m.lease.GiveUp(slotKey(n))
			}
		}
	}
	if e.act == leave || e.act == release {
		m.asked = 0
	}
}

// op is the operation of a write, as the member's node logs it.
func (e *errand) op(who int) entry.Op {
	op := entry.Op{Conn: uint64(who + 1), Session: sessionOf(who), Attach: e.attach, Bound: true}
	switch e.act {
	case join:
		op.Args = caucus.Command{"GROUP", "JOIN", theGroup, "SETTLE", "0", "SLOTS", strconv.Itoa(slotCount)}
	case leave:
		op.Args = caucus.Command{"GROUP", "LEAVE", theGroup}
	case resign:
		op.Args = caucus.Command{"GROUP", "RESIGN", theGroup}
	case release:
		op.Args = caucus.Command{"GROUP", "RELEASE", theGroup}
		for n := range slotCount {
			if e.slots.has(n) {
				op.Args = append(op.Args, strconv.Itoa(n))
			}
		}
	case acquire:
		op.Args = caucus.Command{"LOCK", "ACQUIRE", lockName(e.place), "WAIT", "0"}
	case unlock:
		op.Args = caucus.Command{"LOCK", "RELEASE", lockName(e.place), strconv.FormatUint(e.term, 10)}
	case resume:
		id := sessionOf(who)
		op.Session, op.Attach = entry.Session{}, 0
		op.Args = caucus.Command{"SESSION", "RESUME", string(id[:])}
	}
	return op
}

// said takes the answer to a write.
func (w *world) said(who int) {
	m := &w.members[who]
	e := m.writing
	m.writing = nil
	m.lease = m.lease.Clone()
	m.giveUp(w, e)
	if e.reply.Kind == caucus.KindError {
		m.refused(e.reply)
		return
	}
	switch e.act {
	case join:
		m.joined = true
	case leave:
		m.joined = false
	case acquire:
		m.inLine[e.place] = true
		if e.reply.Kind == caucus.KindInt {
			m.lease.Grant(e.asked, leadOf(e.place), lease.Value{Token: uint64(e.reply.Int)})
		}
	case unlock:
		m.inLine[e.place] = false
	case resume:
		m.attach, m.inLine = e.attached, w.stands(who)
	}
}

// stands says in which locks' lines a session is: it may have been taken out while it was resumed.
func (w *world) stands(who int) (in [placeCount]bool) {
	for place := 1; place < placeCount; place++ {
		for _, mb := range w.groups[place].Members {
			in[place] = in[place] || mb.Session == sessionOf(who)
		}
	}
	return in
}

// refused takes an error. Only one says that there is nothing more to hope for.
func (m *member) refused(r caucus.Reply) {
	if ended(r) {
		m.lease.End()
		m.ended, m.joined, m.inLine, m.asked = true, false, [placeCount]bool{}, 0
	}
}

func ended(r caucus.Reply) bool {
	return r.Kind == caucus.KindError && caucus.ParseError(r.Str).Word == caucus.ErrNoSession.Word
}

// ask sends a look.
func (w *world) ask(who int) {
	m := &w.members[who]
	m.lease = m.lease.Clone()
	m.looking = &look{sent: w.now, asked: m.lease.Heartbeat(w.reading()), attach: m.attach, seen: m.seen}
}

// saw takes the answer to a look.
func (w *world) saw(who int, f Fault) {
	m := &w.members[who]
	l := *m.looking
	m.looking, m.lease = nil, m.lease.Clone()
	if l.gone {
		m.refused(caucus.ErrorReply(caucus.ErrNoSession))
		return
	}
	if f == CountsFromArrival {
		l.asked = m.lease.Ask(w.reading())
	}
	m.lease.Promise(l.asked, l.promise, l.version)
	m.seen = l.version
	m.learn(w, &l, f)
}

// learn takes what a look has found, but for what is being given up.
func (m *member) learn(w *world, l *look, f Fault) {
	goes := func(a act) bool { return m.writing != nil && m.writing.act == a && f != BelievesWhileItGivesUp }
	if m.joined && !goes(leave) {
		if l.index.Token != 0 {
			m.lease.Grant(l.asked, theIndex, l.index)
		}
		if l.terms[0] != 0 && !goes(resign) {
			m.lease.Grant(l.asked, leadOf(0), lease.Value{Token: l.terms[0]})
		}
		m.learnSlots(l, goes(release))
	}
	for place := 1; place < placeCount; place++ {
		if l.terms[place] != 0 && m.inLine[place] && !(goes(unlock) && m.writing.place == place) {
			m.lease.Grant(l.asked, leadOf(place), lease.Value{Token: l.terms[place]})
		}
	}
}

func (m *member) learnSlots(l *look, releases bool) {
	m.asked = l.wanted
	for n := range slotCount {
		if l.held.has(n) && !(releases && m.writing.slots.has(n)) {
			m.lease.Grant(l.asked, slotKey(n), lease.Value{})
		}
	}
	if releases {
		m.asked &^= m.writing.slots
	}
}

// crashes ends the process. What it has sent may still arrive.
func (m *member) crashes() {
	*m = member{attach: m.attach, former: m.former, acted: true, dead: true, lease: new(lease.Lease),
		looking: m.looking, writing: m.writing}
	m.hearsNothing()
}

// hearsNothing drops what is answered to the dead.
func (m *member) hearsNothing() {
	if m.dead && m.looking != nil && m.looking.answered {
		m.looking = nil
	}
	if m.dead && m.writing != nil && m.writing.answered {
		m.writing = nil
	}
}
