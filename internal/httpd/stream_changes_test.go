package httpd_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// writes gives what carries out commands at a node's other door.
func writes(t *testing.T, addr string) func(words ...string) {
	line, err := nodetest.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	return func(words ...string) {
		t.Helper()
		if r, err := line.Do(words...); err != nil || r.Err() != nil {
			t.Fatal(err, r.Err())
		}
	}
}

// changes opens a stream of changes, and comes back when it has begun.
func (s *stage) changes(query string, headers ...string) *listening {
	s.t.Helper()
	return s.open("/v1/changes"+query, headers...)
}

// place reads the id that a stream begins with.
func (l *listening) place() uint64 {
	l.t.Helper()
	line, err := l.in.ReadString('\n')
	n, problem := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(line, "id: ")), 10, 64)
	if err != nil || problem != nil {
		l.t.Fatalf("%q, %v", line, err)
	}
	return n
}

// tells reads the next events, as "event: data" without the revision, whose last one it gives.
func (l *listening) tells(want ...string) (last string) {
	l.t.Helper()
	for _, w := range want {
		f, err := l.next()
		if err != nil {
			l.t.Fatal(err)
		}
		if got := fmt.Sprintf("%s: %s", f.event, strings.Replace(f.data, f.id, "N", 1)); got != w {
			l.t.Fatalf("told %s, want %s", got, w)
		}
		last = f.id
	}
	return last
}

// Changes are told at any node, to who comes again with the id of the last one that it has seen without a
// gap, also when it has seen none.
func TestChangesAreToldAtAnyNode(t *testing.T) {
	doors := nodes(t, 3)
	write := writes(t, doors[0].resp)
	all, users := doors[1].changes(""), doors[2].changes("?match=user:*")
	begin := all.place()
	users.place()
	write("SET", "k", "v")
	write("SET", "user:1", "v")
	write("DEL", "k")
	write("SET", "user:\xff", "v")
	const first = `set: {"revision":N,"command":"set","key":"k"}`
	const user = `set: {"revision":N,"command":"set","key":"user:1"}`
	const bytes = `set: {"revision":N,"command":"set","key_b64":"dXNlcjr/"}`
	all.tells(first, user, `del: {"revision":N,"command":"del","key":"k"}`, bytes)
	last := users.tells(user, bytes)
	users.leave()
	write("FLUSHALL")
	const flushed = `flushall: {"revision":N,"command":"flushall","key":null}`
	doors[0].changes("?match=user:*", "Last-Event-ID", last).tells(flushed)
	doors[2].changes("", "Last-Event-ID", fmt.Sprint(begin)).tells(first, user)
	all.tells(flushed)
}

// What is no longer kept is a gap, after which what is kept follows; so is what is yet to come.
func TestChangesThatAreGoneAreAGap(t *testing.T) {
	s := nodes(t, 1)[0]
	write := writes(t, s.resp)
	begin := s.changes("").place()
	long := strings.Repeat("k", 1<<20)
	for i := range 20 {
		write("SET", fmt.Sprint(i)+long, "v")
	}
	l := s.changes("", "Last-Event-ID", fmt.Sprint(begin))
	gap, err := l.next()
	oldest := begin + 6 // of keys of a little over a mebibyte 15 are kept
	want := fmt.Sprintf(`{"revision":%d,"command":"gap","from":%d,"oldest":%d}`, oldest-1, begin+1, oldest)
	if err != nil || gap.event != "gap" || gap.data != want || gap.id != fmt.Sprint(oldest-1) {
		t.Errorf("%+v, %v; want %s", gap, err, want)
	}
	if f, err := l.next(); err != nil || f.id != fmt.Sprint(oldest) {
		t.Errorf("after the gap comes %s, %v", f.id, err)
	}
	if f, err := s.changes("", "Last-Event-ID", "4000000000000000000").next(); err != nil || f.event != "gap" {
		t.Errorf("what is to come is %s, %v", f.event, err)
	}
}

// A stream that has nothing to say says so, and how far it has come, so that who waits for keys that seldom
// change need not go back far; until its node is cut off.
func TestQuietStreamsOfChangesSayHowFarTheyAre(t *testing.T) {
	s, h := paced(t, time.Millisecond, patience, 0)
	l := s.changes("?match=rare")
	at := l.place()
	writes(t, ofNode(t, h.n).resp)("SET", "other", "v")
	for {
		line, err := l.in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			if id = strings.TrimSpace(id); id != fmt.Sprint(at+1) {
				t.Errorf("at %s, not at %d", id, at+1)
			}
			break
		}
	}
	s.streams(1)
	l.leave()
	s.streams(0)
	h.cut.Store(true)
	s.refused(s.ask("GET", "/v1/changes"), 503, "TRYAGAIN")
}

func TestStreamsOfChangesEndWithTheDoor(t *testing.T) {
	s, _ := paced(t, time.Hour, patience, 0)
	l := s.changes("")
	l.place()
	s.streams(1)
	s.close()
	if f, err := l.next(); err == nil {
		t.Errorf("it goes on with %+v", f)
	}
}

// Who does not read is cut.
func TestStreamsOfChangesToSlowReadersEnd(t *testing.T) {
	s, h := paced(t, time.Hour, 20*time.Millisecond, 0)
	write := writes(t, ofNode(t, h.n).resp)
	l := s.changes("")
	l.place()
	for long := strings.Repeat("k", 1<<20); s.door.Stats().Cut < 1; { // until his system's buffers are full
		write("SET", long, "v")
	}
	s.streams(0)
	for err := error(nil); err == nil; {
		_, err = l.next()
	}
}

func TestStreamsOfChangesThatAreRefused(t *testing.T) {
	s := nodes(t, 1)[0]
	for _, c := range []struct {
		method, path string
		status       int
		headers      []string
	}{
		{"POST", "/v1/changes", 405, nil},
		{"GET", "/v1/changes?from=3", 400, nil},
		{"GET", "/v1/changes", 400, []string{"Last-Event-Id", "seven"}},
		{"GET", "/v1/changes", 400, []string{"Last-Event-Id", "1", "Last-Event-Id", "2"}},
		{"GET", "/v1/changes", 406, []string{"Accept", "application/json"}},
	} {
		s.refused(s.ask(c.method, c.path, c.headers...), c.status, "ERR")
	}
	if head := s.ask("HEAD", "/v1/changes"); head.status != 200 || head.body != "" {
		t.Errorf("HEAD: %+v", head)
	}
}
