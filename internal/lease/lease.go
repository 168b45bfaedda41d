package lease

const (
	// beliefPerMilli is 0.98 P, in microseconds per millisecond of P. It is safe while the rates of all
	// clocks are within 1 % of true time, since 0.98 <= 0.99/1.01 (SAFETY A2).
	beliefPerMilli = 1000 * 98 / 100

	// maxPromiseMillis bounds what a server can promise (34 years), so that no sum here overflows.
	maxPromiseMillis = 1 << 40

	// firstPromiseMillis stands for P while no promise says more: it is what the default GRACE gives.
	firstPromiseMillis = 1000

	// maxGivenUp bounds how many keys are remembered one by one as given up; see GiveUp.
	maxGivenUp = 1024
)

// Kind says what a group grants to a member.
type Kind uint8

// The kinds of grants. A lock is the leadership of its group.
const (
	Index Kind = iota
	Leadership
	Slots
)

// Key names one thing that can be held.
type Key struct {
	Group string
	Kind  Kind
	Slot  int // of Slots, else 0
}

// AllSlots stands for the slots of a group altogether, in GiveUp.
const AllSlots = -1

// whole gives the key under which things are noted that are read together: the slots of a group are.
func (k Key) whole() Key {
	k.Slot = 0
	return k
}

// Value is what was granted. Index and Total are of an assignment, else 0; Token is the epoch or the
// term, 0 for a slot: what its member is told is an epoch of all its slots, which changes also when this
// one does not.
type Value struct {
	Index, Total int
	Token        uint64
}

// Asked is a request as it was sent: what the clocks said, and how much of the past the sender knew. The
// answer is judged by it. The zero Asked is older than everything.
type Asked struct {
	sent Reading
	turn uint64
}

// Lease holds what one session may believe. The zero Lease believes nothing and is ready to use; a new
// session gets a new one.
type Lease struct {
	turn    uint64 // counts what ends beliefs: changes of version and give-ups
	changed uint64 // the turn at which the version last changed
	gone    bool   // the session has ended

	known         bool // version is what the newest promise showed, and nothing contradicts it
	version       uint64
	sent          Reading // when the request of the newest promise was sent
	promiseMillis int64   // P of the newest promise

	beaten bool // a heartbeat was sent
	beat   Asked
	every  int64 // see Hurry

	grants  map[Key]Value  // all learnt under version
	givenUp map[Key]uint64 // by whole key: the turn at which a key was last given up, if not forgotten
	forgot  uint64         // the newest turn that was dropped from givenUp; counts for every key

	guarded map[Key]bool // by whole key: whose end must be seen to before it is acknowledged; see Guard
	owed    map[Key]owed // those whose end is being seen to
}

// Ask notes that a request is about to be sent whose answer will be handed to Grant. Now must be read before
// the request is written.
func (l *Lease) Ask(now Reading) Asked { return Asked{sent: now, turn: l.turn} }

// Heartbeat is Ask for a request whose answer will be handed to Promise. It also starts the wait for the next
// heartbeat.
func (l *Lease) Heartbeat(now Reading) Asked {
	l.beat, l.beaten = l.Ask(now), true
	return l.beat
}

// Promise takes the answer to a heartbeat: P in milliseconds and the session's version. Answers may come
// in any order. One sent earlier than the newest, with the same version, changes nothing.
func (l *Lease) Promise(asked Asked, promiseMillis int64, version uint64) {
	switch {
	case l.gone:
	case l.known && version == l.version:
		if asked.sent.laterThan(l.sent) {
			l.keep(asked, promiseMillis)
		}
	default:
		l.change(asked, promiseMillis, version)
	}
}

func (l *Lease) keep(asked Asked, promiseMillis int64) {
	l.sent = asked.sent
	l.promiseMillis = min(max(promiseMillis, 0), maxPromiseMillis)
}

// change ends everything learnt under another version, but for slots: these are revoked from nobody. Who
// holds one does so until it releases it or its session ends (SAFETY A3), whatever else of the session
// was revoked. The new version is taken over only if its request was sent after the last change was
// known; otherwise nobody can say which of the two is newer, and only an answer asked for from now on
// will tell.
func (l *Lease) change(asked Asked, promiseMillis int64, version uint64) {
	l.dropAll(true)
	l.known = asked.turn >= l.changed
	l.version = version
	l.keep(asked, promiseMillis)
	l.turn++
	l.changed = l.turn
	clear(l.givenUp)
	l.forgot = 0
}

// Grant takes the answer to a linearizable read (or to a JOIN or LOCK) that shows that the session's member
// holds key. It says whether the grant counts. It does not when the request was sent before the newest
// change of version was known, or before key was given up: then read again. Nor does it while another value
// of key is owed; see Guard.
func (l *Lease) Grant(asked Asked, key Key, value Value) bool {
	if !l.Counts(asked, key) {
		return false
	}
	if !l.reaffirmed(key, value) {
		return false
	}
	if l.grants == nil {
		l.grants = make(map[Key]Value)
	}
	l.grants[key] = value
	return true
}

// Counts says whether the answer to a read of key says anything, be it that key is not held.
func (l *Lease) Counts(asked Asked, key Key) bool {
	return !l.gone && l.known && asked.turn >= max(l.changed, l.forgot, l.givenUp[key.whole()])
}

// GiveUp ends the belief in key. It is called before LEAVE, RESIGN, TRANSFER or RELEASE is sent, and on
// a hint, such as a settling or leaderless event: a hint may end a belief and never begins one. When the
// answer to a LEAVE and its like has come it is called again, since a read on another connection
// may have been sent in between and still have overtaken the LEAVE. A read of slots that was sent before one
// of the group was given up says nothing of any of them.
func (l *Lease) GiveUp(key Key) {
	if key.Slot == AllSlots {
		l.dropSlots(key.Group)
	} else {
		l.drop(key)
	}
	l.turn++
	if len(l.givenUp) == maxGivenUp {
		clear(l.givenUp)
		l.forgot = l.turn
	}
	if l.givenUp == nil {
		l.givenUp = make(map[Key]uint64)
	}
	l.givenUp[key.whole()] = l.turn
}

func (l *Lease) dropSlots(group string) {
	for key := range l.grants {
		if key.Group == group && key.Kind == Slots {
			l.drop(key)
		}
	}
}

// End says that the session is gone. Nothing is believed any more, whatever comes.
func (l *Lease) End() {
	l.gone, l.known = true, false
	l.dropAll(false)
}

// Believes says whether key may be taken as held at now.
func (l *Lease) Believes(key Key, now Reading) bool {
	_, ok := l.Held(key, now)
	return ok
}

// Held gives what is held under key, and whether it may be believed at now.
func (l *Lease) Held(key Key, now Reading) (Value, bool) {
	value, ok := l.grants[key]
	if !ok || l.leftOf(key, now) == 0 {
		return Value{}, false
	}
	return value, true
}

func (l *Lease) leftOf(key Key, now Reading) int64 {
	if key.Kind == Slots {
		return l.LeftOfSlots(now)
	}
	return l.Left(now)
}

// LeftOfSlots is Left for slots, to which it does not matter which version a promise showed: it counts that
// the session lived.
func (l *Lease) LeftOfSlots(now Reading) int64 {
	if l.gone {
		return 0
	}
	return max(0, l.promiseMillis*beliefPerMilli-Elapsed(l.sent, now))
}

// Left gives the microseconds after now for which the newest promise can be relied on, 0 when it cannot.
// Every belief but that in slots ends at the latest then, unless a newer promise comes.
func (l *Lease) Left(now Reading) int64 {
	if !l.known {
		return 0
	}
	return l.LeftOfSlots(now)
}

// PromiseMillis gives P of the newest promise, 0 when there was none.
func (l *Lease) PromiseMillis() int64 { return l.promiseMillis }

// Version gives the version of the newest promise, and whether there is one that nothing contradicts.
func (l *Lease) Version() (version uint64, known bool) {
	return l.version, l.known
}

// Hurry has a heartbeat be due no later than so many microseconds after the one before, if that is earlier
// than a third of P; 0 asks for nothing.
func (l *Lease) Hurry(every int64) { l.every = every }

// NextHeartbeat gives the microseconds after now at which the next heartbeat is due, 0 when it is due
// already: a third of P after the last was sent, or earlier as Hurry says, and at once after a change of
// version, since the servers take the next heartbeat as the proof that the change has been heard (SAFETY A3).
func (l *Lease) NextHeartbeat(now Reading) int64 {
	if !l.beaten || l.beat.turn < l.changed {
		return 0
	}
	promise := l.promiseMillis
	if promise == 0 {
		promise = firstPromiseMillis
	}
	every := promise * 1000 / 3
	if l.every > 0 {
		every = min(every, l.every)
	}
	return max(0, every-Elapsed(l.beat.sent, now))
}
