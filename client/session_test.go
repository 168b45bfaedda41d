package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/lease"
)

// clocks are the three clocks of the client, which stand still unless moved.
type clocks struct {
	mu  sync.Mutex
	now int64
}

func (c *clocks) read() lease.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	return lease.Reading{Mono: c.now, Boot: c.now, Wall: c.now}
}

func (c *clocks) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += d.Microseconds()
}

// group is one group with one session, as fakes share it.
type group struct {
	mu      sync.Mutex
	promise time.Duration
	version uint64
	epoch   uint64 // 0 while settling
	leader  string
	term    uint64
	every   int64 // its HEARTBEAT
	over    bool  // the session has ended
	silent  bool  // no answer to anything
	hold    bool  // no answer to KEEPALIVE
	doubt   bool  // RESIGN is answered UNCERTAIN

	ensemble string // its id

	slots, asked []int // that m1 holds, is asked for
	unsure       int   // so many answers to RELEASE are UNCERTAIN
}

func (g *group) set(change func(*group)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

func (g *group) answer(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cmd[0] == "ONCE" {
		cmd = cmd[2:]
	}
	word := cmd[0]
	if len(cmd) > 1 {
		word += " " + cmd[1]
	}
	switch {
	case g.silent:
		return nil
	case word == "SESSION OPEN":
		return reply(caucus.Bulk("0123456789abcdef0123456789abcdef"))
	case word == "SESSION CLOSE", word == "GROUP LEAVE":
		return reply(caucus.Int(1))
	case g.over && (word == "SESSION RESUME" || word == "SESSION KEEPALIVE"):
		return fail(caucus.ErrNoSession, "it has ended")
	case word == "SESSION RESUME", word == "SESSION INFO", word == "VOTE CAST":
		return reply(caucus.OK())
	case word == "INFO ensemble":
		return reply(caucus.Bulk("# Ensemble\r\ncluster_id:" + g.ensemble + "\r\nnode:n1\r\n"))
	case word == "GROUP JOIN":
		return reply(caucus.Bulk("m1"))
	case word == "SESSION KEEPALIVE" && len(cmd) > 2:
		return reply(caucus.Array(caucus.Int(1000)))
	case word == "SESSION KEEPALIVE" && !g.hold:
		promise, version := g.promise.Milliseconds(), int64(g.version)
		return reply(caucus.Array(caucus.Int(promise), caucus.Int(1), caucus.Int(version)))
	case word == "GROUP INDEX" && g.epoch == 0:
		return reply(caucus.NilArray())
	case word == "GROUP INDEX":
		return reply(caucus.Array(caucus.Int(2), caucus.Int(3), caucus.Int(int64(g.epoch))))
	case word == "GROUP RELEASE" && g.unsure > 0:
		g.unsure--
		return fail(caucus.ErrUncertain, "the leader was lost")
	case word == "GROUP RELEASE":
		return reply(g.release(cmd[3:]))
	case word == "GROUP RESIGN" && g.doubt:
		return fail(caucus.ErrUncertain, "the leader was lost")
	case word == "GROUP RESIGN":
		g.leader, g.term = "m2", g.term+1
		return reply(caucus.Int(int64(g.term)))
	case word == "GROUP SLOTS" && len(cmd) > 3:
		return reply(answerSlots(g.asked))
	case word == "GROUP SLOTS":
		return reply(answerSlots(g.slots))
	case word == "GROUP INFO":
		return reply(caucus.Map(caucus.Bulk("heartbeat"), caucus.Int(g.every)))
	case word == "GROUP LEADER":
		return reply(caucus.Array(caucus.Bulk(g.leader), caucus.Int(int64(g.term)), caucus.Bulk("")))
	}
	return nil
}

// settled is a group in which m1 holds index 2 of 3 and leads.
func settled() *group {
	return &group{promise: 10 * time.Second, version: 1, epoch: 5, leader: "m1", term: 4, ensemble: "e1"}
}

func join(t *testing.T, clock *clocks, addrs ...string) (*client.Session, *client.Member) {
	t.Helper()
	return joinAnd(t, clock, nil, addrs...)
}

func joinAnd(t *testing.T, clock *clocks, onRevoke func(context.Context), addrs ...string) (*client.Session,
	*client.Member) {
	t.Helper()
	c := dial(t, client.Config{Addrs: addrs}.WithClock(clock.read))
	s, err := c.Session(within(t), client.SessionOptions{TTL: time.Second, Grace: client.Immediately})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	m, err := s.Join(within(t), "g", client.JoinOptions{Name: "m1", Settle: client.Immediately, Min: 1,
		OnRevoke: onRevoke})
	if err != nil {
		t.Fatal(err)
	}
	return s, m
}

func holds(t *testing.T, m *client.Member) {
	t.Helper()
	a, err := m.WaitAssignment(within(t))
	if err != nil || a != (caucus.Assignment{Index: 2, Total: 3, Epoch: 5}) {
		t.Fatalf("assignment is %+v, %v", a, err)
	}
}

// until waits for a change of the member after which ok.
func until(t *testing.T, m *client.Member, ok func() bool) {
	t.Helper()
	ctx := within(t)
	for {
		changed := m.Changed()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatal("it did not come to pass")
		}
	}
}

func TestOptionsReachTheWire(t *testing.T) {
	f := startFake(t, settled().answer)
	join(t, new(clocks), f.addr)
	if f.count("SESSION OPEN TTL 1000 GRACE 0") != 1 || f.count("GROUP JOIN g AS m1 SETTLE 0 MIN 1") != 1 {
		t.Fatalf("sent %q", f.came)
	}
}

// The group says how often its members should say that they live, by an option of who joins or of others.
func TestHeartbeatsComeAsOftenAsTheGroupAsks(t *testing.T) {
	g := settled()
	g.promise = time.Hour
	f := startFake(t, g.answer)
	s := opened(t, new(clocks), f)
	_, err := s.Join(within(t), "g", client.JoinOptions{Heartbeat: time.Second, VoteTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	f.await("GROUP JOIN g HEARTBEAT 1000 VOTETIMEOUT 60000", 1)
	f.await("GROUP INFO g", 1)
	g.set(func(g *group) { g.every = 10 })
	for f.count("GROUP INFO g") < 2 {
		beats := f.count("SESSION KEEPALIVE") // before the nudge, whose heartbeat may come at once
		s.Nudge()
		f.await("SESSION KEEPALIVE", beats+1)
	}
	f.await("SESSION KEEPALIVE", f.count("SESSION KEEPALIVE")+10)
}

func TestA2_BeliefEndsByTheClientsOwnClock(t *testing.T) {
	g, clock := settled(), new(clocks)
	f := startFake(t, g.answer)
	_, m := join(t, clock, f.addr)
	holds(t, m)
	g.set(func(g *group) { g.silent = true })
	clock.advance(9800*time.Millisecond - time.Microsecond)
	if _, ok := m.Assignment(); !ok {
		t.Fatal("belief ended before 0.98 P")
	}
	if term, ok := m.IsLeader(); !ok || term != 4 {
		t.Fatalf("leadership is %d, %v", term, ok)
	}
	clock.advance(time.Microsecond)
	if _, ok := m.Assignment(); ok {
		t.Fatal("belief goes on though no promise came for 0.98 P")
	}
	if _, ok := m.IsLeader(); ok {
		t.Fatal("leadership is believed though no promise came for 0.98 P")
	}
}

func TestA3_SettlingEventBringsAHeartbeatThatEndsTheBelief(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	_, m := join(t, new(clocks), f.addr) // P is 10 s: without the event nothing would be asked for 3 s
	holds(t, m)
	f.await("SUBSCRIBE caucus:g:g", 1)
	g.set(func(g *group) { g.version, g.epoch, g.leader = 6, 0, "m2" })
	f.publish("g", `{"event":"settling","group":"g"}`)
	until(t, m, func() bool { _, ok := m.Assignment(); return !ok })
	until(t, m, func() bool { _, ok := m.IsLeader(); return !ok })
	beats := f.count("SESSION KEEPALIVE")
	f.await("SESSION KEEPALIVE", beats+1) // the proof that the change was read
	g.set(func(g *group) { g.epoch = 5 })
	f.publish("g", `{"event":"settled","group":"g"}`)
	holds(t, m)
}

func TestSessionIsResumedOnAnotherNodeWhenTheConnectionBreaks(t *testing.T) {
	g := settled()
	one, two := startFake(t, g.answer), startFake(t, g.answer)
	s, m := join(t, new(clocks), one.addr, two.addr)
	holds(t, m)
	one.stop()
	two.await("SESSION RESUME "+s.ID(), 1)
	two.await("SESSION KEEPALIVE", 1)
	holds(t, m)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
}

// A node that hangs is left, and only then its connection is closed: the close must not pass for a death.
func TestA4_SessionIsResumedBeforeTheHangingConnectionIsClosed(t *testing.T) {
	good, bad := settled(), settled()
	two := startFake(t, good.answer)
	one := startFake(t, bad.answer)
	c := dial(t, client.Config{Addrs: []string{one.addr, two.addr}})
	s, err := c.Session(within(t), client.SessionOptions{TTL: 600 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	one.await("SESSION KEEPALIVE", 1)
	one.mu.Lock()
	lines := len(one.lines)
	one.mu.Unlock()
	open := -1
	two.mu.Lock()
	two.answer = func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "SESSION" && cmd[1] == "RESUME" {
			one.mu.Lock()
			open = len(one.lines)
			one.mu.Unlock()
		}
		return good.answer(l, cmd)
	}
	two.mu.Unlock()
	bad.set(func(g *group) { g.hold = true })
	s.Nudge()
	two.await("SESSION KEEPALIVE", 1)
	if open != lines {
		t.Fatalf("of %d connections %d were open at the time of RESUME", lines, open)
	}
}

func TestEndedSessionIsLost(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	s, m := join(t, new(clocks), f.addr)
	holds(t, m)
	g.set(func(g *group) { g.over = true })
	f.cut()
	select {
	case <-s.Lost():
	case <-within(t).Done():
		t.Fatal("the end of the session was not told")
	}
	<-m.Lost()
	if _, ok := m.Assignment(); ok {
		t.Fatal("a member of an ended session believes")
	}
	if !errors.Is(s.Err(), caucus.ErrNoSession) || !errors.Is(m.Err(), caucus.ErrNoSession) {
		t.Fatalf("got %v and %v", s.Err(), m.Err())
	}
	if _, err := s.Join(within(t), "h", client.JoinOptions{}); !errors.Is(err, caucus.ErrNoSession) {
		t.Fatalf("a join after the end: %v", err)
	}
}

func TestLeavingMemberBelievesNothing(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	_, m := join(t, new(clocks), f.addr)
	holds(t, m)
	select {
	case <-m.Lost():
		t.Fatal("a member is lost to its group")
	default:
	}
	if err := m.Leave(within(t)); err != nil {
		t.Fatal(err)
	}
	<-m.Lost()
	if _, ok := m.Assignment(); ok || m.Err() == nil || f.count("GROUP LEAVE g") != 1 {
		t.Fatalf("after leaving: believes %v, %v", ok, m.Err())
	}
}

// What comes on a connection after a promise was answered passes for proof that it was read. So nothing is
// sent while the answer is on its way.
func TestA3_NothingIsSentWhileAPromiseIsUnderWay(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	s, m := join(t, new(clocks), f.addr)
	holds(t, m)
	g.set(func(g *group) { g.hold = true })
	beats := f.count("SESSION KEEPALIVE")
	s.Nudge()
	f.awaitJudged("SESSION KEEPALIVE", beats+1)
	f.mu.Lock()
	resumed := make(chan struct{})
	n := len(f.came)
	f.mu.Unlock()
	go func() {
		defer close(resumed)
		f.await("SESSION RESUME", 1)
	}()
	g.set(func(g *group) { g.hold = false })
	if err := m.Leave(within(t)); err != nil {
		t.Fatal(err)
	}
	<-resumed // the answer never comes: the session moves to a new connection first
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cmd := range f.came[n:] {
		if cmd == "GROUP LEAVE g" {
			t.Fatal("a command was sent behind a heartbeat without an answer")
		}
		if cmd == "SESSION RESUME "+s.ID() {
			return
		}
	}
}

// A belief that ended by the clock alone comes back with the next promise, unchanged; who saw it end must
// hear of that.
func TestBeliefThatComesBackIsTold(t *testing.T) {
	g, clock := settled(), new(clocks)
	f := startFake(t, g.answer)
	s, m := join(t, clock, f.addr)
	holds(t, m)
	f.await("SUBSCRIBE caucus:g:g", 1)
	g.set(func(g *group) { g.silent = true })
	clock.advance(10 * time.Second)
	if _, ok := m.Assignment(); ok {
		t.Fatal("belief goes on though no promise came")
	}
	changed := m.Changed()
	g.set(func(g *group) { g.silent = false })
	s.Nudge()
	select {
	case <-changed:
		holds(t, m)
	case <-within(t).Done():
		t.Fatal("nobody was told that the belief is back")
	}
}
