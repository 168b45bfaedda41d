package client_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/resp"
	"pgregory.net/rapid"
)

// court is an ensemble with one group and one session, as far as SAFETY A2 and A3 bind it: whatever
// they let it take from the session's member it gives to somebody else at the very first moment. Time
// is that of a synctest bubble, plus what passed while the client's process stood still.
type court struct {
	mu      sync.Mutex
	rng     *rand.Rand
	began   time.Time
	stood   time.Duration // for how long the client's process stood still
	slept   time.Duration // for how long of that its machine was suspended
	set     time.Duration // how far its wall clock was set
	rates   [2]int64      // of the client's clocks and the leader's, in 1/10,000
	elected time.Duration // when the present leader was, and
	showed  time.Duration // what its clock showed then

	slow    time.Duration // what goes either way takes so long at most
	refuses bool          // who dials is refused
	busy    bool          // TRYAGAIN is all that it answers
	lines   map[*courtLine]bool
	served  sync.WaitGroup

	dead    bool // the session
	attach  int  // its attachment number
	heard   time.Duration
	dropped time.Duration // when the loss of its connection was applied, negative for none
	version uint64
	counter uint64
	once    map[string]caucus.Reply
	things  [2]thing

	granted, believed int
}

// thing is what a member of the group can hold: its leadership or an index.
type thing struct {
	member   bool // the session's member is in the group
	held     bool // by it
	other    bool // somebody else was granted it
	token    uint64
	revoked  uint64        // the version that says so, of what it was told last
	since    time.Duration // when it was revoked, or the leader elected since
	answered bool          // the member has shown that it knows
}

// courtLine is a connection of the client.
type courtLine struct {
	net.Conn
	attach  int
	seen    uint64 // the version of the last promise that was answered on it
	hung    bool   // nothing gets through any more
	hears   bool
	arrived chan []resp.Request
}

const (
	courtTTL   = time.Second
	courtGrace = 300 * time.Millisecond // and P
)

const (
	leadership = iota
	index
)

func newCourt(seed uint64, client, leader int64) *court {
	return &court{rng: rand.New(rand.NewPCG(seed, 1)), began: time.Now(), rates: [2]int64{client, leader},
		lines: map[*courtLine]bool{}, once: map[string]caucus.Reply{}, dropped: -1}
}

// now gives the true time.
func (c *court) now() time.Duration { return time.Since(c.began) + c.stood }

// clock gives what the leader's clock shows.
func (c *court) clock() time.Duration {
	d := c.now() - c.elected
	return c.showed + d + d*time.Duration(c.rates[1])/10_000
}

// read gives what the client's clocks show.
func (c *court) read() lease.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.now()
	t += t * time.Duration(c.rates[0]) / 10_000
	return lease.Reading{
		Mono: (t - c.slept).Microseconds(), Boot: t.Microseconds(), Wall: (t + c.set).Microseconds(),
	}
}

// rule takes what may be taken by now, and grants it.
func (c *court) rule() {
	now := c.clock()
	if !c.dead && (now-c.heard >= courtTTL || c.dropped >= 0 && now-c.dropped >= courtGrace) {
		c.dead = true
		for i := range c.things {
			c.things[i].held = false
		}
	}
	for i := range c.things {
		t := &c.things[i]
		if !t.member || t.held || t.other || !c.dead && !t.answered && now-t.since < courtGrace {
			continue
		}
		c.counter++
		t.token = c.counter
		t.held = !c.dead && c.rng.IntN(4) == 0 // or it comes back to the member
		t.other = !t.held
		c.granted++
	}
}

// revoke takes a thing from the living in two steps (SAFETY A3), of which this is the first.
func (c *court) revoke(i int) {
	if t := &c.things[i]; t.held {
		c.counter++
		c.version = c.counter
		t.held, t.answered, t.revoked, t.since = false, false, c.version, c.clock()
	}
}

// free has the other give a thing up, which the member gets at once.
func (c *court) free(i int) {
	if t := &c.things[i]; t.other && t.member && !c.dead {
		c.counter++
		t.other, t.held, t.token = false, true, c.counter
	}
}

// elect gives a new leader, which begins every promise in full (SAFETY A5).
func (c *court) elect() {
	c.showed, c.elected, c.rates[1] = c.clock(), c.now(), c.rng.Int64N(201)-100
	c.heard = c.showed
	if c.dropped >= 0 {
		c.dropped = c.showed
	}
	for i := range c.things {
		c.things[i].since, c.things[i].answered = c.showed, false
	}
}

// dial opens a connection.
func (c *court) dial(context.Context, string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuses {
		return nil, errors.New("refused")
	}
	here, there := net.Pipe()
	l := &courtLine{Conn: there, attach: -1, arrived: make(chan []resp.Request, 1000)}
	c.lines[l] = true
	c.served.Go(func() { l.read() })
	c.served.Go(func() { c.serve(l) })
	return here, nil
}

// read takes what comes until the connection ends.
func (l *courtLine) read() {
	defer close(l.arrived)
	in := resp.NewReader(l, resp.Limits{})
	for {
		batch, err := in.ReadBatch()
		if err != nil {
			return
		}
		kept := make([]resp.Request, len(batch))
		for i := range batch {
			kept[i].Args = append(caucus.Command{}, batch[i].Args...)
		}
		l.arrived <- kept
	}
}

// travel takes the time that a message takes.
func (c *court) travel() {
	c.mu.Lock()
	d := time.Duration(c.rng.Int64N(int64(c.slow) + 1))
	c.mu.Unlock()
	time.Sleep(d)
}

func (c *court) serve(l *courtLine) {
	for batch := range l.arrived {
		c.travel()
		out := c.take(l, batch)
		c.travel()
		if !c.hangs(l) {
			_, _ = l.Write(out)
		}
	}
	c.travel()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.lines, l)
	if c.rule(); l.attach == c.attach && !c.dead && c.dropped < 0 && !l.hung {
		c.dropped = c.clock()
	}
}

func (c *court) hangs(l *courtLine) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return l.hung
}

// take carries out a pipeline. It is a sign of life, and the proof that the promise before it was read.
func (c *court) take(l *courtLine, batch []resp.Request) (out []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rule(); l.hung {
		return nil
	}
	if c.speaks(l) && !c.busy {
		c.heard = c.clock()
		for i := range c.things {
			c.things[i].answered = c.things[i].answered || l.seen >= c.things[i].revoked
		}
	}
	c.rule()
	for _, r := range batch {
		out = append(out, c.answer(l, r.Args)...)
	}
	return out
}

// speaks says whether the session may speak on a connection.
func (c *court) speaks(l *courtLine) bool { return l.attach == c.attach && !c.dead && c.dropped < 0 }

func (c *court) answer(l *courtLine, cmd caucus.Command) []byte {
	if cmd[0] == "SUBSCRIBE" {
		l.hears = true
		return resp.Append(nil, 3, caucus.Push(caucus.Bulk("subscribe"), caucus.Bulk(cmd[1]), caucus.Int(1)))
	}
	number := ""
	if cmd[0] == "ONCE" {
		number, cmd = cmd[1], cmd[2:]
	}
	r, ok := c.once[number]
	if !ok {
		r = c.carryOut(l, cmd)
	}
	if number != "" && r.Kind != caucus.KindError {
		c.once[number] = r
	}
	return resp.Append(nil, 3, r)
}

func (c *court) carryOut(l *courtLine, cmd caucus.Command) caucus.Reply {
	word := strings.Join(cmd[:min(2, len(cmd))], " ")
	switch {
	case !strings.HasPrefix(word, "SESSION") && !strings.HasPrefix(word, "GROUP"):
		return caucus.OK() // greetings
	case c.busy:
		return caucus.Fail(caucus.ErrTryAgain, "not now")
	case word == "SESSION OPEN":
		c.attach++
		c.dead, c.dropped, c.heard = false, -1, c.clock()
		l.attach = c.attach
		return caucus.Bulk("0123456789abcdef0123456789abcdef")
	case word == "SESSION RESUME" && !c.dead:
		c.attach++
		l.attach, l.seen, c.heard, c.dropped = c.attach, 0, c.clock(), -1
		return caucus.OK()
	case !c.speaks(l):
		return caucus.Fail(caucus.ErrNoSession, "the session has ended or was resumed elsewhere")
	case word == "SESSION KEEPALIVE":
		l.seen = c.version
		return caucus.Array(caucus.Int(courtGrace.Milliseconds()), caucus.Int(1), caucus.Int(int64(c.version)))
	}
	return c.ofGroup(word)
}

func (c *court) ofGroup(word string) caucus.Reply {
	lead, share := &c.things[leadership], &c.things[index]
	switch word {
	case "GROUP JOIN":
		for i := range c.things {
			c.counter++
			c.things[i] = thing{member: true, held: true, token: c.counter}
		}
		return caucus.Bulk("m1")
	case "GROUP LEADER":
		switch {
		case lead.held:
			return caucus.Array(caucus.Bulk("m1"), caucus.Int(int64(lead.token)), caucus.Bulk(""))
		case lead.other:
			return caucus.Array(caucus.Bulk("m2"), caucus.Int(int64(lead.token)), caucus.Bulk(""))
		}
		return caucus.NilArray()
	case "GROUP INDEX":
		if share.held {
			return caucus.Array(caucus.Int(1), caucus.Int(2), caucus.Int(int64(share.token)))
		}
		return caucus.NilArray()
	case "GROUP RESIGN": // at once: the library stopped believing before it asked
		c.counter++
		lead.held, lead.other, lead.token = false, true, c.counter
		return caucus.Int(int64(c.counter))
	case "GROUP SLOTS":
		return answerSlots(nil)
	case "GROUP INFO":
		return caucus.Map(caucus.Bulk("heartbeat"), caucus.Int(0))
	}
	return caucus.Int(1)
}

// wrong says what the member believes in that is not its own, "" when all is well. A bubble's time
// stands still meanwhile.
func (c *court) wrong(m *client.Member) string {
	term, leads := m.IsLeader()
	a, shares := m.Assignment()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rule()
	for i, b := range []struct {
		what  string
		is    bool
		token uint64
	}{{"the leadership", leads, term}, {"an index", shares, a.Epoch}} {
		t := c.things[i]
		if b.is {
			c.believed++
		}
		if b.is && (t.other || t.held && t.token != b.token) {
			return fmt.Sprintf("at %v the member believes in %s, token %d; it is %+v", c.now(), b.what, b.token, t)
		}
	}
	return ""
}

// deed is something that happens in a story.
type deed struct {
	What string
	For  time.Duration
	Of   int // leadership or index
}

var deeds = []string{
	"wait", "wait", "wait", "long wait", "long wait", "pause", "suspend", "set clock", "revoke",
	"revoke", "revoke", "free", "free", "elect", "reset", "close", "hang", "hang", "refuse",
	"accept", "accept", "busy", "idle", "idle", "slow", "slow", "quick", "hint", "resign",
}

func drawDeed(t *rapid.T) deed {
	d := deed{What: rapid.SampledFrom(deeds).Draw(t, "deed")}
	d.Of = rapid.IntRange(leadership, index).Draw(t, "of")
	most := 150 * time.Millisecond
	if d.What == "long wait" || d.What == "pause" || d.What == "suspend" {
		most = 1500 * time.Millisecond
	}
	// Rapid draws small numbers rather than large ones, so a part of the whole is drawn as one of a few.
	d.For = most * rapid.SampledFrom([]time.Duration{0, 1, 2, 4, 8, 12, 16}).Draw(t, "sixteenths") / 16
	d.For = max(0, d.For-time.Duration(rapid.Int64Range(0, int64(most)/20).Draw(t, "less")))
	return d
}

// happen lets a deed happen.
func (c *court) happen(d deed, m *client.Member) {
	switch d.What {
	case "hint":
		c.hint()
	case "resign":
		ctx, cancel := context.WithTimeout(context.Background(), d.For)
		defer cancel()
		_ = m.Resign(ctx) // it may be cut off; nothing is believed from the call on
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.befall(d)
	}
}

func (c *court) befall(d deed) {
	switch d.What {
	case "suspend":
		c.slept += d.For
		fallthrough
	case "pause":
		c.stood += d.For
	case "set clock":
		c.set += d.For - 75*time.Millisecond
	case "revoke":
		c.revoke(d.Of)
	case "free":
		c.free(d.Of)
	case "elect":
		c.elect()
	case "reset", "close":
		for l := range c.lines {
			l.hung = l.hung || d.What == "close" // a node that closes says nothing of it
			_ = l.Close()
		}
	case "hang":
		for l := range c.lines {
			l.hung = true
		}
	case "refuse", "accept":
		c.refuses = d.What == "refuse"
	case "busy", "idle":
		c.busy = d.What == "busy"
	case "slow", "quick":
		c.slow = 0
		if d.What == "slow" {
			c.slow = 2 * d.For
		}
	}
}

// hint tells that something happened in the group.
func (c *court) hint() {
	c.mu.Lock()
	var ears []*courtLine
	for l := range c.lines {
		if l.hears && !l.hung {
			ears = append(ears, l)
		}
	}
	c.mu.Unlock()
	for _, l := range ears {
		push := caucus.Push(caucus.Bulk("message"), caucus.Bulk(caucus.EventChannel("g")),
			caucus.Bulk(`{"event":"leaderless"}`))
		_, _ = l.Write(resp.Append(nil, 3, push))
	}
}

// watch looks at what the member believes after a deed, and while it waits.
func (c *court) watch(d deed, m *client.Member) (wrong string) {
	left := time.Duration(0)
	if strings.HasSuffix(d.What, "wait") {
		left = d.For
	}
	for wrong = c.wrong(m); wrong == "" && left > 0; left -= glance {
		time.Sleep(min(left, glance))
		wrong = c.wrong(m)
	}
	return wrong
}

// glance is how often is looked while nothing else happens.
const glance = 5 * time.Millisecond

// enter opens a session and joins the group, at the ensemble's best.
func (c *court) enter(t *testing.T, cl *client.Client) (*client.Session, *client.Member) {
	c.mu.Lock()
	c.refuses, c.busy, c.slow = false, false, 0
	c.mu.Unlock()
	s, err := cl.Session(t.Context(), client.SessionOptions{TTL: courtTTL, Grace: courtGrace})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Join(t.Context(), "g", client.JoinOptions{Name: "m1"})
	if err != nil {
		t.Fatal(err)
	}
	return s, m
}

// play plays a story in a bubble, whose time passes only while all wait, and gives what went wrong.
func (c *court) play(t *testing.T, story []deed) (wrong string) {
	ctx := context.Background()
	cfg := client.Config{Addrs: []string{"a:1", "b:1"}, AddrsOnly: true, DialContext: c.dial}
	cl, err := client.Dial(ctx, cfg.WithClock(c.read))
	if err != nil {
		t.Fatal(err)
	}
	s, m := c.enter(t, cl)
	for i := 0; i < len(story) && wrong == ""; i++ {
		synctest.Wait()
		if m.Err() != nil { // else the rest of the story would be about nobody
			_ = s.Close()
			s, m = c.enter(t, cl)
		}
		c.happen(story[i], m)
		wrong = c.watch(story[i], m)
	}
	c.mu.Lock()
	c.refuses = true
	for l := range c.lines {
		_ = l.Close()
	}
	c.mu.Unlock()
	_ = s.Close() // nobody is there to be told
	_ = cl.Close()
	c.served.Wait()
	return wrong
}

// SAFETY A2, A3: whatever pauses, suspensions, set clocks, cuts, late answers, elections and
// revocations there are, no member believes in what somebody else was granted, though the ensemble
// grants at the first moment at which it may.
func TestA2_NoMemberBelievesInWhatIsAnothers(t *testing.T) {
	granted, believed := 0, 0
	story := func(rt *rapid.T) {
		rate := rapid.Int64Range(-100, 100)
		rates := [2]int64{rate.Draw(rt, "client's clock"), rate.Draw(rt, "leader's clock")}
		seed := rapid.Uint64().Draw(rt, "seed")
		deeds := rapid.SliceOfN(rapid.Custom(drawDeed), 10, 80).Draw(rt, "story")
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			c := newCourt(seed, rates[0], rates[1])
			wrong = c.play(t, deeds)
			granted, believed = granted+c.granted, believed+c.believed
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	}
	for range 5 { // rapid's default is 100 stories
		rapid.Check(t, story)
	}
	if granted == 0 || believed == 0 {
		t.Errorf("somebody was granted something %d times, and it was believed in %d times", granted, believed)
	}
}
