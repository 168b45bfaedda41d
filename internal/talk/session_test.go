package talk_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/talk"
)

func TestSessionIsTheHashOfItsID(t *testing.T) {
	sum := sha256.Sum256([]byte(id(1)))
	if got := talk.NamedSession(id(1)); got != entry.Session(sum[:16]) {
		t.Errorf("%x", got)
	}
	for _, no := range []string{"", "x", strings.ToUpper("ab" + id(1)[2:]), id(1) + "0", "detached\x00x"} {
		if got := talk.NamedSession(no); got != (entry.Session{}) {
			t.Errorf("%q names a session", no)
		}
	}
	if talk.DetachedSession(id(1)) == talk.NamedSession(id(1)) {
		t.Error("an id names a detached session")
	}
}

func TestOpenIsCarried(t *testing.T) {
	s := newStage()
	if _, _, ok := s.Dropped(); ok || s.Session() != "" {
		t.Error("a session before any was opened")
	}
	s.expect(t, id(1)+" | OK", "session open ttl 1000", "set k 1")
	want := `true ["session" "open" "ttl" "1000"] attach=0 bound=true once=0 fresh=true`
	if got := op(s.plans[0], 0); got != want {
		t.Error(got)
	}
	if len(s.plans[0].Beats) != 0 {
		t.Error("a beat of a session that is not yet open")
	}
	set := s.plans[1].Steps[0].Op
	if set.Session != talk.NamedSession(id(1)) || set.Attach != 1 || set.Conn != 7 || set.Request != 2 {
		t.Errorf("%+v", set)
	}
	beat := entry.Beat{Session: set.Session, Attach: 1}
	if len(s.plans[1].Beats) != 1 || s.plans[1].Beats[0] != beat {
		t.Errorf("beats %v", s.plans[1].Beats)
	}
	if session, attach, ok := s.Dropped(); !ok || attach != 1 || session != set.Session || s.Session() != id(1) {
		t.Error("the session is not carried")
	}
	s.do("ping")
	if p := s.last(); !p.Local || len(p.Beats) != 1 {
		t.Error("a ping is no sign of life")
	}
}

func TestOpeningAnotherLetsGoOfTheFirst(t *testing.T) {
	s := newStage()
	s.expect(t, id(1)+" | "+id(2), "session open", "session open")
	if o := s.last().Steps[0].Op; o.Session != talk.NamedSession(id(1)) || o.Fresh != talk.NamedSession(id(2)) {
		t.Errorf("%+v", o)
	}
	if s.Session() != id(2) || len(s.sessions) != 2 {
		t.Error("the second is not carried, or the first has ended")
	}
	s.expect(t, "RESET | NOSESSION *", "reset", "session info")
	if beats := s.last().Beats; len(beats) != 1 || beats[0].Session != talk.NamedSession(id(2)) {
		t.Errorf("RESET is a sign of life of the session that it lets go of; beats %v", beats)
	}
}

func TestResume(t *testing.T) {
	s := newStage()
	s.sessions[talk.NamedSession(id(5))] = 3
	s.expect(t, "NOSESSION *", "session resume "+id(6))
	s.expect(t, "OK", "session resume "+id(5))
	h := talk.NamedSession(id(5))
	if o := s.last().Steps[0].Op; o.Args[2] != string(h[:]) || !o.Bound {
		t.Errorf("%+v", o)
	}
	if s.Session() != id(5) {
		t.Errorf("carries %q", s.Session())
	}
	s.expect(t, "NOSESSION *", "session resume "+id(6)) // says nothing of the carried one
	s.expect(t, "NOSESSION *", "session info "+id(6))
	s.expect(t, "0", "session close "+id(6))
	if s.Session() != id(5) {
		t.Errorf("carries %q", s.Session())
	}
}

func TestClose(t *testing.T) {
	s := newStage()
	s.expect(t, "0", "session close")
	s.expect(t, id(1)+" | 1 | 0", "session open", "session close", "session close")
	s.expect(t, id(2)+" | 1 | NOSESSION *", "session open", "session close "+id(2), "session keepalive")
	if s.Session() != "" {
		t.Error("carries what has ended")
	}
}

// SAFETY A4: who was taken over from elsewhere, or has ended, is told so, and carries nothing any more.
func TestLossIsNoticed(t *testing.T) {
	s := newStage()
	s.expect(t, id(1), "session open")
	s.sessions[talk.NamedSession(id(1))] = 99
	s.expect(t, "NOSESSION no such session | OK", "session keepalive", "set k 1")
	s.expect(t, "NOSESSION *", "session keepalive")
	if _, _, ok := s.Dropped(); ok {
		t.Error("reports a session that is another's")
	}
	if beats := s.last().Beats; len(beats) != 0 {
		t.Errorf("beats %v", beats)
	}
}

// SAFETY A3: what the server told counts as received once a later request has come.
func TestSeenFollowsAPromise(t *testing.T) {
	s := newStage()
	seen := func(want uint64) {
		t.Helper()
		if beats := s.last().Beats; len(beats) != 1 || beats[0].Seen != want {
			t.Errorf("beats %v, want seen %d", beats, want)
		}
	}
	s.do("session open")
	s.version = 4
	s.expect(t, "[1000 | 5 | 4]", "session keepalive")
	seen(0)
	s.version = 6
	s.expect(t, "[1000 | 5 | 6]", "session keepalive")
	seen(4)
	s.do("get k")
	seen(6)
	s.down = caucus.ErrTryAgain
	s.version = 8
	s.do("session keepalive")
	s.down = nil
	s.do("ping")
	seen(6)
	s.do("session open")
	s.do("get k")
	seen(0)
}

func TestKeepaliveOfOthers(t *testing.T) {
	s := newStage()
	s.do("session open")
	s.do("session keepalive " + id(8) + " nonsense " + id(9))
	p := s.last()
	want := []entry.Beat{{Session: talk.NamedSession(id(1)), Attach: 1}, {Session: talk.NamedSession(id(8))},
		{Session: talk.NamedSession(id(9))}}
	if fmt.Sprint(p.Beats) != fmt.Sprint(want) || !p.Promise {
		t.Errorf("beats %v", p.Beats)
	}
	if s.Session() != id(1) {
		t.Error("another's loss is taken for one's own")
	}
}

func TestInfoShowsTheID(t *testing.T) {
	s := newStage()
	s.sessions[talk.NamedSession(id(7))] = 1
	s.expect(t, id(1)+" | [id | "+id(1)+" | ttl | 9] | [id | "+id(7)+" | ttl | 9]",
		"session open", "session info", "session info "+id(7))
}

func TestJoin(t *testing.T) {
	s := newStage()
	s.do("group join g as SETTLE meta x", "get k")
	want := `true ["group" "join" "g" ".SETTLE" "6000" "as" "SETTLE" "meta" "x"] ` +
		`attach=0 bound=true once=0 fresh=true`
	if got := op(s.plans[0], 0); got != want {
		t.Error(got)
	}
	if s.Session() != id(1) || s.last().Steps[0].Op.Attach == 0 {
		t.Error("the session that JOIN opened is not carried")
	}
	s.do("group join h settle 5")
	want = `true ["group" "join" "h" "settle" "5"] attach=1 bound=true once=0 fresh=false`
	if got := op(s.last(), 0); got != want {
		t.Error(got)
	}
	s.do("multi", "group join i", "exec")
	if q := s.last().Steps[0].Op.Queue[0]; q[len(q)-1] != "6000" {
		t.Errorf("queued %q", q)
	}
}

func TestDetached(t *testing.T) {
	s := newStage(func(c *talk.Config) { c.Detached = "bloc/me" })
	h := talk.DetachedSession("bloc/me")
	s.do("group join bloc", "get k")
	if len(s.plans) != 1 {
		t.Error("a plan stops though nothing depends on the result")
	}
	if o := s.last().Steps[0].Op; o.Session != h || o.Fresh != h || o.Attach != 0 || o.Bound {
		t.Errorf("%+v", o)
	}
	s.version = 3
	s.do("session keepalive")
	s.do("session keepalive")
	if b := s.last().Beats; len(b) != 1 || b[0] != (entry.Beat{Session: h, Seen: 3}) {
		t.Errorf("beats %v", b)
	}
	s.expect(t, "1", "session close")
	s.expect(t, "NOSESSION *", "session keepalive") // it stays the conversation's session
	if o := s.last().Steps[0].Op; o.Session != h {
		t.Error("the detached session was let go")
	}
	s.expect(t, "ERR *", "session open")
	s.expect(t, "RESET", "reset")
	s.do("get k")
	if o := s.last().Steps[0].Op; o.Session != h {
		t.Error("the detached session was let go")
	}
	if _, _, ok := s.Dropped(); ok || s.Session() != "" {
		t.Error("a detached conversation can lose a connection")
	}
}

// SAFETY A15.
func TestOnce(t *testing.T) {
	s := newStage()
	s.expect(t, "NOSESSION *", "once 1 set k 1")
	s.do("session open")
	s.expect(t, "OK", "once 3 set k 1")
	if got := op(s.last(), 0); got != `true ["set" "k" "1"] attach=1 bound=false once=3 fresh=false` {
		t.Error(got)
	}
	s.expect(t, "OK | QUEUED | [OK]", "multi", "set k 2", "once 4 exec")
	if o := s.last().Steps[0].Op; o.Once != 4 || len(o.Queue) != 1 {
		t.Errorf("%+v", o)
	}
	for _, c := range []struct{ line, want string }{
		{"once 0 set k 1", "ERR ONCE takes a number*"}, {"once -1 set k 1", "ERR ONCE takes a number*"},
		{"once x set k 1", "ERR ONCE takes a number*"}, {"once 1 get k", "ERR ONCE takes a command*"},
		{"once 1 ping", "ERR ONCE takes a command*"}, {"once 1 session close", "ERR ONCE takes a command*"},
		{"once 1 once 2 set k 1", "ERR ONCE takes a command*"}, {"once 1 nope", "ERR unknown command*"},
		{"once 1 exec", "ERR EXEC without MULTI"}, {"once 1 client id", "ERR ONCE takes a command*"},
	} {
		s.expect(t, c.want, c.line)
	}
	s.expect(t, "OK | ERR Command not allowed inside a transaction | EXECABORT *",
		"multi", "once 9 set k 1", "exec")
	s.expect(t, "OK | QUEUED | ERR ONCE takes a command*", "multi", "get k", "once 9 exec")
	s.expect(t, "OK | QUEUED | ERR ONCE takes a number*", "multi", "set k 1", "once x exec")
	s.expect(t, "ERR EXEC without MULTI", "exec")
}

// The answers to one pipeline are handed over together: what its later pieces show is no evidence
// that the client has read the earlier ones.
func TestA3AnswersOfTheSamePipelineAreUnread(t *testing.T) {
	s := newStage()
	s.do("SESSION OPEN")
	s.version = 3
	s.do("SESSION KEEPALIVE")
	p, _ := s.Plan([]caucus.Command{{"GET", "k"}})
	if p.Beats[0].Seen != 3 {
		t.Fatalf("the beats are %+v", p.Beats)
	}
	p.Unread()
	if p.Beats[0].Seen != 0 {
		t.Fatalf("the beats are %+v", p.Beats)
	}
}

// The beats of named sessions travel with reads only, so a KEEPALIVE of others never stands among writes.
func TestA2KeepaliveOfOthersStandsAlone(t *testing.T) {
	s := newStage()
	id := s.do("SESSION OPEN")
	s.plans = nil
	s.do("SET k 1", "SESSION KEEPALIVE "+id, "SET k 2", "GET k")
	for i, p := range s.plans {
		if p.Promise && p.Writes() {
			t.Errorf("plan %d of %d promises something and writes", i+1, len(s.plans))
		}
	}
	if len(s.plans) != 3 {
		t.Errorf("there are %d plans", len(s.plans))
	}
}

// SAFETY A4: nothing has a GRACE that no connection carries, and yet it has an attachment.
func TestA4_UnboundSessionsHaveNoConnection(t *testing.T) {
	s := newStage(func(cfg *talk.Config) { cfg.Unbound = true })
	s.sessions[talk.NamedSession(id(9))] = 3
	for _, line := range []string{"session open", "session resume " + id(9)} {
		s.do(line)
		if o := s.last().Steps[0].Op; o.Bound {
			t.Errorf("%s binds %+v", line, o)
		}
		if _, attach, ok := s.Dropped(); !ok || attach == 0 {
			t.Errorf("%s is not carried", line)
		}
	}
	s.version = 8
	s.do("session keepalive")
	s.do("get k")
	if beats := s.last().Beats; len(beats) != 1 || beats[0].Seen != 0 {
		t.Errorf("beats %v of a client that may have read nothing", beats)
	}
	s = newStage(func(cfg *talk.Config) { cfg.Unbound = true })
	s.do("group join g")
	if o := s.last().Steps[0].Op; o.Bound || o.Fresh == (entry.Session{}) {
		t.Errorf("a JOIN opens %+v", o)
	}
}

// SAFETY A3, A4: who acts for a session leaves it where it is, opens none in its place, and shows what its
// client says that it has read.
func TestA3_A4_ActingForASession(t *testing.T) {
	acts := func(cfg *talk.Config) { cfg.Session, cfg.Seen = id(9), 7 }
	s := newStage(acts)
	h := talk.NamedSession(id(9))
	s.sessions[h] = 3
	s.expect(t, "nil", "get k")
	told := func() {
		t.Helper()
		if beats, want := s.last().Beats, (entry.Beat{Session: h, Seen: 7}); len(beats) != 1 || beats[0] != want {
			t.Errorf("beats %v, want %v", beats, want)
		}
	}
	told()
	s.version = 8
	s.expect(t, "[1000 | 5 | 8]", "session keepalive")
	s.do("get k") // whether the answer was read nobody knows
	told()
	s.do("session keepalive")
	if o := s.last().Steps[0].Op; o.Session != h || o.Attach != 0 || !s.last().Promise {
		t.Errorf("%+v", o)
	}
	s.do("group join g")
	if o := s.last().Steps[0].Op; o.Fresh != (entry.Session{}) {
		t.Errorf("a JOIN may open %+v", o)
	}
	if _, _, ok := s.Dropped(); ok {
		t.Error("its end is reported")
	}
	s = newStage(acts)
	s.expect(t, "NOSESSION *", "session keepalive")
}

// A conversation beside another speaks for its session, and loses it alone.
func TestBesideAnother(t *testing.T) {
	one := newStage()
	one.expect(t, id(1), "session open")
	two := newStage(func(cfg *talk.Config) { cfg.Beside = one.Talk })
	two.do("set k 1")
	if o := two.last().Steps[0].Op; o.Session != talk.NamedSession(id(1)) || o.Attach != 1 {
		t.Errorf("%+v", o)
	}
	two.expect(t, "NOSESSION *", "session keepalive") // its stage knows of no session
	if two.Session() != "" || one.Session() != id(1) {
		t.Errorf("they carry %q and %q", two.Session(), one.Session())
	}
}
