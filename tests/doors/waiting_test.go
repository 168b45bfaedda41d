package doors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// number gives a field of GROUP INFO.
func (l line) number(group, field string) int64 {
	l.t.Helper()
	info := l.do("GROUP INFO " + group)
	value := info.Field(field)
	if value.Kind != caucus.KindInt {
		l.t.Fatalf("GROUP INFO %s has no number %s: %s", group, field, shown(info))
	}
	return value.Int
}

// waits sends an EVENTS that waits.
func (l line) waits(from int64, more string) {
	l.t.Helper()
	l.blocks(fmt.Sprintf("GROUP EVENTS g FROM %d %s", from, more))
}

// blocks sends what waits and comes back when the node says that somebody waits there.
func (l line) blocks(words string) {
	l.t.Helper()
	watch := dial(l.t, l.RemoteAddr().String())
	before := blocked(watch)
	if err := l.Send(strings.Fields(words)); err != nil {
		l.t.Fatal(err)
	}
	nodetest.Eventually(l.t, "a client waits", func() bool { return blocked(watch) != before })
}

func blocked(l line) string {
	_, rest, _ := strings.Cut(l.do("INFO clients").Str, "blocked_clients:")
	count, _, _ := strings.Cut(rest, "\r\n")
	return count
}

// told reads the answer to an EVENTS and gives the names of the events.
func (l line) told() string {
	l.t.Helper()
	r := l.push()
	if r.Kind == caucus.KindError {
		return r.Str
	}
	names := []string{}
	for _, item := range r.Items {
		_, rest, _ := strings.Cut(item.Items[1].Str, `"event":"`)
		name, _, _ := strings.Cut(rest, `"`)
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// EVENTS waits on any node for what happens through another one; not in a transaction (B7).
func TestB7_EventsAreWaitedForOnAnyNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	a := dial(t, c.Addr(0))
	a.want("GROUP JOIN g AS a SETTLE 0 TTL 600000", `"a"`)
	for i := range c.Size() {
		l, other := dial(t, c.Addr(i)), dial(t, c.Addr(i))
		next := l.number("g", "seq") + 1
		l.waits(next, "BLOCK 0")
		other.waits(next, "COUNT 1 BLOCK 60000")
		a.want(fmt.Sprintf("GROUP META g news%d", i), "OK")
		for _, who := range []line{l, other} {
			if got := who.told(); got != "metadata" {
				t.Errorf("%s tells %q", c.Name(i), got)
			}
		}
		l.want(fmt.Sprintf("GROUP EVENTS g FROM %d BLOCK 50", next+1), "(empty array)")
		l.want(fmt.Sprintf("GROUP EVENTS none FROM %d BLOCK 0", next), "(error) NOGROUP there is no group 'none'")
		l.want("MULTI", "OK")
		l.want(fmt.Sprintf("GROUP EVENTS g FROM %d BLOCK 0", next+1), "QUEUED")
		l.want("EXEC", "1) (empty array)")
	}
}

// Of a group that ends while it is waited for, the last events are told, and then that there is none.
func TestB7_WhoWaitsHearsTheEnd(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	a := dial(t, c.Addr(0))
	for i := range c.Size() {
		a.want("GROUP JOIN g AS a SETTLE 0", `"a"`)
		l := dial(t, c.Addr(i))
		next := l.number("g", "seq") + 1
		l.waits(next, "BLOCK 0")
		a.want("GROUP LEAVE g", "(integer) 1")
		if got := l.told(); got != "left leaderless deleted" {
			t.Errorf("%s tells %q", c.Name(i), got)
		}
		l.want(fmt.Sprintf("GROUP EVENTS g FROM %d BLOCK 0", next+3), "(error) NOGROUP there is no group 'g'")
	}
}

// A client that leaves while it waits is seen to leave, and waiting keeps no session alive (A4, B7).
func TestB7_WhoWaitsMayDie(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	ear := listen(t, c.Addr(0), "g")
	for _, how := range []struct{ open, reason string }{
		{"SESSION OPEN TTL 600000 GRACE 0", "lost"}, {"SESSION OPEN TTL 500", "expired"},
	} {
		l := dial(t, c.Addr(1))
		l.do(how.open)
		l.want("GROUP JOIN g AS m SETTLE 0", `"m"`)
		l.waits(l.number("g", "seq")+5, "BLOCK 0")
		if how.reason == "lost" {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		ear.until("left", how.reason)
	}
}

// A node that stops says so to those who wait there, who can wait elsewhere.
func TestB7_NobodyWaitsAtAStoppedNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	a := dial(t, c.Addr(0))
	a.want("GROUP CREATE g", "OK")
	l := dial(t, c.Addr(1))
	l.waits(l.number("g", "seq")+1, "BLOCK 0")
	c.Stop(1)
	if got := l.told(); got != "TRYAGAIN this node is stopping" {
		t.Errorf("who waited is told %q", got)
	}
}

// RESULT waits on any node for what is decided through another one, also when who called the poll and led the
// group has died meanwhile, and when the group's life has ended with it (B7, B14).
func TestB7_ResultsAreWaitedForOnAnyNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	a, b := dial(t, c.Addr(0)), dial(t, c.Addr(1))
	a.do("SESSION OPEN GRACE 0")
	a.want("GROUP JOIN g AS a SETTLE 0", `"a"`)
	b.want("GROUP JOIN g AS b TTL 600000", `"b"`)
	call := func(by line) (poll int64, waiting []line) {
		poll = by.do("VOTE CALL g what TIMEOUT 600000").Int
		for i := range c.Size() {
			l := dial(t, c.Addr(i))
			l.blocks(fmt.Sprintf("VOTE RESULT g %d WAIT 0", poll))
			waiting = append(waiting, l)
		}
		return poll, waiting
	}
	told := func(waiting []line, want string) {
		t.Helper()
		for i, l := range waiting {
			if got := shown(l.push()); got != want {
				t.Errorf("%s: got %s, want %s", c.Name(i), got, want)
			}
		}
	}
	poll, waiting := call(a)
	a.want(fmt.Sprintf("VOTE CAST g %d YES", poll), "OK")
	b.want(fmt.Sprintf("VOTE CAST g %d YES", poll), "OK")
	told(waiting, `1) "yes" 2) (integer) 2 3) (integer) 0 4) (integer) 2`)
	_, waiting = call(a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	told(waiting, `1) "no" 2) (integer) 0 3) (integer) 0 4) (integer) 2`)
	_, waiting = call(b)
	b.want("GROUP LEAVE g", "(integer) 1")
	told(waiting, `1) "no" 2) (integer) 0 3) (integer) 0 4) (integer) 1`)
}

// inLine sends a LOCK ACQUIRE that waits, and comes back when it stands in line.
func (l line) inLine(more string) {
	l.t.Helper()
	watch := dial(l.t, l.RemoteAddr().String())
	size := watch.number("lock/l", "size")
	if err := l.Send(strings.Fields("LOCK ACQUIRE l " + more)); err != nil {
		l.t.Fatal(err)
	}
	nodetest.Eventually(l.t, "a client stands in line", func() bool {
		return watch.number("lock/l", "size") == size+1
	})
}

// Who is told that the outcome of an ACQUIRE is unknown may ask again (SAFETY C13), also when it may have
// opened a session, which then stands in nobody's way.
func TestA4_NobodyIsInTheWayOfHisOwnRequest(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	lead := c.Leader()
	a := dial(t, c.Addr(lead))
	a.want("PING", "PONG")
	for i := range c.Size() {
		if i != lead {
			c.Pause(i)
		}
	}
	if r := a.do("LOCK ACQUIRE l TTL 600000"); !strings.HasPrefix(r.Str, "UNCERTAIN ") {
		t.Errorf("without the others it is answered %s", shown(r))
	}
	for i := range c.Size() {
		if i != lead {
			c.Resume(i)
		}
	}
	c.Settled()
	if r := a.do("LOCK ACQUIRE l WAIT 60000"); r.Kind != caucus.KindInt {
		t.Errorf("it asks again and is answered %s", shown(r))
	}
}

// A session that was opened to wait for a lock ends with its connection like any other: nobody else could
// ever use it (A4).
func TestA4_WhoOpenedASessionToWaitMayDie(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	holder := dial(t, c.Addr(0))
	holder.do("LOCK ACQUIRE l TTL 600000")
	var dying []line
	for range 3 {
		l := dial(t, c.Addr(0))
		l.inLine("WAIT 0 TTL 600000")
		dying = append(dying, l)
	}
	for _, l := range dying {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	nodetest.Eventually(t, "their sessions have ended", func() bool {
		return strings.Contains(holder.do("INFO ensemble").Str, "\r\nsessions:2\r\n") // the other is the node's own
	})
}

// A lock is waited for on any node, in order, longer than a session lives in silence; who dies in line,
// or with the lock, or with its node, is passed over (B7).
func TestB7_ALockIsWaitedForOnAnyNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	holder := dial(t, c.Addr(0))
	holder.do("SESSION OPEN TTL 600000 GRACE 0")
	holder.do("LOCK ACQUIRE l")
	patient, dying := dial(t, c.Addr(0)), dial(t, c.Addr(1))
	atDead, last := dial(t, c.Addr(2)), dial(t, c.Addr(1))
	patient.inLine("WAIT 0 TTL 200")
	dying.inLine("WAIT 0")
	atDead.do("SESSION OPEN TTL 1000")
	atDead.inLine("WAIT 600000")
	last.inLine("WAIT 600000")
	hasty := dial(t, c.Addr(0))
	hasty.want("LOCK ACQUIRE l WAIT 300", "(nil)") // longer than the patient one's TTL
	if err := dying.Close(); err != nil {
		t.Fatal(err)
	}
	c.Kill(2)
	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	if r := patient.push(); r.Kind != caucus.KindInt {
		t.Fatalf("the first in line was answered %s", shown(r))
	}
	patient.want("SESSION CLOSE", "(integer) 1")
	r := last.push()
	if r.Kind != caucus.KindInt {
		t.Fatalf("the last in line was answered %s", shown(r))
	}
	last.want("LOCK ACQUIRE l", "(integer) "+r.Text())
	last.want("LOCK RELEASE l "+r.Text(), "(integer) 1")
	last.want("GROUP LIST MATCH lock/*", "(empty array)")
}
