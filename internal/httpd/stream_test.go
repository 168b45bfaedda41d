package httpd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/waist"
	"github.com/caucus-project/caucus/node"
)

// frame is one event as it stands in a stream.
type frame struct{ id, event, data string }

// listening is an open stream.
type listening struct {
	t    *testing.T
	body io.ReadCloser
	in   *bufio.Reader
}

// listen opens a stream of a group's events.
func (s *stage) listen(group string, headers ...string) *listening {
	s.t.Helper()
	return s.open("/v1/groups/"+group+"/events", headers...)
}

// open opens a stream.
func (s *stage) open(path string, headers ...string) *listening {
	s.t.Helper()
	r, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	resp, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream" {
		s.t.Fatalf("status %d, type %s", resp.StatusCode, kind)
	}
	l := &listening{s.t.(*testing.T), resp.Body, bufio.NewReader(resp.Body)}
	s.t.Cleanup(l.leave)
	return l
}

func (l *listening) leave() { _ = l.body.Close() }

// next reads the next event, comments passed over; an error is the end.
func (l *listening) next() (f frame, err error) {
	for {
		line, err := l.in.ReadString('\n')
		if err != nil {
			return f, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			f.id = value
		case "event":
			f.event = value
		case "data":
			f.data = value
		case "":
			if f.event != "" {
				return f, nil
			}
		}
	}
}

// want reads events of these kinds, and gives them.
func (l *listening) want(kinds ...string) (frames []frame) {
	l.t.Helper()
	for _, kind := range kinds {
		f, err := l.next()
		if err != nil || f.event != kind {
			l.t.Fatalf("%+v, %v; want %s", f, err, kind)
		}
		var inside struct {
			Event string
			Seq   uint64
		}
		if err := json.Unmarshal([]byte(f.data), &inside); err != nil || inside.Event != kind {
			l.t.Fatalf("%s, %v", f.data, err)
		}
		if id := strings.TrimPrefix(fmt.Sprint(inside.Seq), "0"); kind != "gap" && f.id != id {
			l.t.Errorf("id %q of %s", f.id, f.data)
		}
		frames = append(frames, f)
	}
	return frames
}

// member opens a session that is a member of a group.
func (s *stage) member(group, name string) (session string) {
	s.t.Helper()
	id := s.session()
	a := s.as(id, "POST", "/v1/groups/"+group+"/members", `{"as":"`+name+`","settle":0}`)
	if a.status != 200 {
		s.t.Fatal(a.body)
	}
	return id
}

// send sends a message, for whom the rest of the body says.
func (s *stage) send(session, group, payload, rest string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"payload":%q%s}`, payload, rest)
	if a := s.as(session, "POST", "/v1/groups/"+group+"/messages", body); a.status != 200 {
		s.t.Fatal(a.body)
	}
}

// What a stream says is what the log has, and a stream that was lost goes on at any other node (A11).
func TestA11_StreamsGoOnAtAnyNode(t *testing.T) {
	doors := nodes(t, 3)
	l := doors[0].listen("g") // which is waited for
	a := doors[1].member("g", "ann")
	first := l.want("joined", "leader", "settled")
	page := doors[0].ask("GET", "/metrics").body
	if !strings.Contains(page, `caucus_subscribers{door="http"} 1`) {
		t.Error("the metrics count no stream")
	}
	doors[1].send(a, "g", "beside the log", "")
	doors[1].send(a, "g", "in the log", `,"ordered":true`)
	mixed := l.want("message", "message")
	if mixed[0].id != "" || mixed[1].id == "" {
		t.Errorf("ids of messages: %+v", mixed)
	}
	l.leave()
	doors[1].send(a, "g", "missed", `,"ordered":true`)
	doors[1].send(a, "g", "missed", `,"ordered":true`)
	again := doors[2].listen("g", "Last-Event-ID", first[0].id)
	frames := again.want("leader", "settled", "message", "message", "message")
	doors[1].send(a, "g", "heard", `,"ordered":true`)
	frames = append(first[:1], append(frames, again.want("message")...)...)
	r, err := nodetest.Ask(doors[0].resp, "GROUP", "EVENTS", "g", "FROM", first[0].id)
	if err != nil || len(r.Items) != len(frames) {
		t.Fatalf("%v, %v", r, err)
	}
	for i, item := range r.Items {
		if f := frames[i]; f.id != item.Items[0].Text() || f.data != item.Items[1].Str {
			t.Errorf("%+v, in the log %s", f, item.Items[1].Str)
		}
	}
}

// Who comes too late is told so once, with how the group stands, and goes on with what is kept.
func TestStreamsThatCannotGoOnSaySo(t *testing.T) {
	s := nodes(t, 1)[0]
	a := s.member("g", "ann")
	l := s.listen("g", "Last-Event-ID", "0")
	life := l.want("joined", "leader", "settled")[0]
	for i := range 1030 {
		s.send(a, "g", fmt.Sprint(i), `,"ordered":true`)
	}
	l = s.listen("g", "Last-Event-ID", life.id)
	gap := l.want("gap", "message", "message")
	var said struct {
		From, Oldest uint64
		Info         struct{ Name, State string }
	}
	if err := json.Unmarshal([]byte(gap[0].data), &said); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(said.From-1) != life.id || gap[0].id != fmt.Sprint(said.Oldest-1) ||
		gap[1].id != fmt.Sprint(said.Oldest) || said.Info.Name != "g" || said.Info.State != "settled" {
		t.Errorf("%+v after %+v", gap[:2], life)
	}
}

func TestStreamsCarryWhatIsForTheSessionsOwnMember(t *testing.T) {
	s := nodes(t, 1)[0]
	a, b := s.member("g", "ann"), s.member("g", "bob")
	hers, his := s.listen("g", "Caucus-Session", a), s.listen("g", "Caucus-Session", b)
	everybodys := s.listen("g")
	s.send(a, "g", "for bob", `,"to":"bob"`)
	s.send(b, "g", "for ann", `,"to":"ann"`)
	s.send(b, "g", "end", `,"ordered":true`)
	for l, want := range map[*listening]string{hers: "for ann", his: "for bob", everybodys: ""} {
		heard := ""
		for !strings.Contains(heard, `"end"`) {
			f, err := l.next()
			if err != nil {
				t.Fatal(err)
			}
			heard += f.data
			if strings.Contains(f.data, `"for `) && (want == "" || !strings.Contains(f.data, want)) {
				t.Errorf("beside %q came %s", want, f.data)
			}
		}
		if !strings.Contains(heard, want) {
			t.Errorf("%q did not come", want)
		}
	}
}

func TestStreamsThatAreRefused(t *testing.T) {
	s := nodes(t, 1)[0]
	a := s.member("g", "ann")
	const events = "/v1/groups/g/events"
	for _, c := range []struct {
		method, path string
		status       int
		word         string
		headers      []string
	}{
		{"POST", events, 405, "ERR", nil},
		{"GET", "/v1/groups/a%2F/events", 400, "ERR", nil},
		{"GET", events + "?from=3", 400, "ERR", nil},
		{"GET", events, 400, "ERR", []string{"Last-Event-Id", "seven"}},
		{"GET", events, 400, "ERR", []string{"Last-Event-Id", "-1"}},
		{"GET", events, 400, "ERR", []string{"Last-Event-Id", "1", "Last-Event-Id", "2"}},
		{"GET", events, 400, "ERR", []string{"Caucus-Session", "x"}},
		{"GET", events, 404, "NOSESSION", []string{"Caucus-Session", strings.Repeat("0", 32)}},
		{"GET", "/v1/groups/other/events", 404, "NOMEMBER", []string{"Caucus-Session", a}},
		{"GET", events, 406, "ERR", []string{"Accept", "application/json, text/html;q=0.9"}},
		{"GET", events, 403, "NOPERM", []string{"Origin", "http://evil.example"}},
		{"GET", events, 403, "NOPERM", []string{"Host", "evil.example"}},
	} {
		s.refused(s.ask(c.method, c.path, c.headers...), c.status, c.word)
	}
	head := s.ask("HEAD", events)
	if head.status != 200 || head.header.Get("Content-Type") != "text/event-stream" || head.body != "" {
		t.Errorf("HEAD: %+v", head)
	}
	for _, accept := range []string{"text/event-stream", "text/html, */*;q=0.1", "Text/*"} {
		s.listen("g", "Accept", accept).leave()
	}
}

// hindered is a node that a test can cut off from the others, and whose listeners may be too slow.
type hindered struct {
	waist.Server
	n    *node.Node
	cut  atomic.Bool
	slow atomic.Bool
}

func (h *hindered) Open(info waist.ConnInfo) (waist.Conn, error) {
	if h.cut.Load() {
		return nil, caucus.Errorf(caucus.ErrTryAgain, "no quorum")
	}
	return h.Server.Open(info)
}

func (h *hindered) Watch() waist.Subscription { return hinderedEar{h.Server.Watch(), h} }

type hinderedEar struct {
	waist.Subscription
	h *hindered
}

func (e hinderedEar) Next(ctx context.Context) ([]waist.Message, error) {
	messages, err := e.Subscription.Next(ctx)
	if e.h.slow.Load() {
		return nil, waist.ErrSlow
	}
	return messages, err
}

// paced is a door of its own to a node, whose streams have another pace, and whose other requests may take as
// long as times, 0 for as usual.
func paced(t *testing.T, beat, patience, times time.Duration) (*stage, *hindered) {
	t.Helper()
	n := nodetest.InProcess(t, 1, nil)[0]
	h := &hindered{Server: waist.Of(n), n: n}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, url: "http://" + l.Addr().String(),
		door: httpd.New(httpd.Config{RequestTimeout: times}, h),
		http: &http.Client{Transport: &http.Transport{}, Timeout: nodetest.Patience}}
	s.door.SetPace(beat, patience)
	if times > 0 {
		s.door.SetTimes(times)
	}
	served := make(chan error, 1)
	go func() { served <- s.door.Serve(l) }()
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		s.close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s, h
}

func (s *stage) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.door.Close(ctx)
	if ctx.Err() != nil {
		s.t.Error("the door did not close by itself")
	}
}

func (s *stage) streams(n int) {
	s.t.Helper()
	nodetest.Eventually(s.t, fmt.Sprint(n, " streams"), func() bool { return s.door.Stats().Streams == n })
}

// A stream that has nothing to say says so now and then, as long as its node is in touch with the others.
func TestQuietStreamsGiveSignsOfLife(t *testing.T) {
	s, h := paced(t, time.Millisecond, patience, 0)
	l := s.listen("g")
	for range 3 {
		for _, want := range []string{":\n", "\n"} {
			if line, err := l.in.ReadString('\n'); err != nil || line != want {
				t.Fatalf("%q, %v", line, err)
			}
		}
	}
	h.cut.Store(true)
	if f, err := l.next(); err != io.EOF {
		t.Errorf("%+v, %v; want a clean end", f, err)
	}
	s.refused(s.ask("GET", "/v1/groups/g/events"), 503, "TRYAGAIN")
	if st := s.door.Stats(); st.Streams != 0 || st.Cut != 0 {
		t.Errorf("%+v", st)
	}
}

// What other requests must be done with in time does not end a stream.
func TestStreamsMayTakeAsLongAsTheyLike(t *testing.T) {
	s, h := paced(t, 10*time.Millisecond, patience, 500*time.Millisecond)
	usual := ofNode(t, h.n)
	l := s.listen("g")
	for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); {
		if _, err := l.in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	a := usual.member("g", "ann")
	l.want("joined", "leader", "settled")
	usual.send(a, "g", "x", `,"ordered":true`)
	l.want("message")
}

// Who does not read is cut, when his backlog is too long or a write to him takes too long, and loses nothing:
// he comes again with the id of the last event that he has read.
func TestStreamsOfSlowReadersEnd(t *testing.T) {
	s, h := paced(t, time.Hour, 20*time.Millisecond, 0)
	a := s.member("g", "ann")
	l := s.listen("g", "Last-Event-ID", "0")
	last := l.want("joined", "leader", "settled")[2].id
	h.slow.Store(true)
	s.send(a, "g", "too much", `,"ordered":true`)
	if f, err := l.next(); err != io.EOF {
		t.Errorf("%+v, %v; want a clean end", f, err)
	}
	h.slow.Store(false)
	l = s.listen("g", "Last-Event-ID", last)
	l.want("message")
	for big := strings.Repeat("x", 1<<20); s.door.Stats().Cut < 2; { // until his system's buffers are full
		s.send(a, "g", big, `,"ordered":true`)
	}
	s.streams(0)
	for err := error(nil); err == nil; {
		_, err = l.next()
	}
}

func TestStreamsEndWithTheDoorAndWithTheirClients(t *testing.T) {
	s, _ := paced(t, time.Hour, patience, 0)
	one, two := s.listen("g"), s.listen("g")
	s.streams(2)
	one.leave()
	s.streams(1)
	s.close()
	if f, err := two.next(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%+v, %v; want a clean end", f, err)
	}
	s.streams(0)
}
