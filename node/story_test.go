package node_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/story"
	"github.com/caucus-project/caucus/internal/waist"
	"github.com/caucus-project/caucus/node"
	"github.com/cockroachdb/datadriven"
)

// The stories of the bare machine read the same on a node, as its clients see it.
func TestStoriesOverRESP(t *testing.T) {
	for _, dir := range []string{"stories", "redis"} {
		datadriven.Walk(t, "../internal/machine/testdata/"+dir, func(t *testing.T, path string) {
			t.Parallel()
			story.Run(t, path, newTheatre(t))
		})
	}
}

// theatre is one node with real files and connections, whose clock stands still unless the story lets time
// pass. It is a stage of stories.
type theatre struct {
	t       *testing.T
	n       *node.Node
	addr    string
	passed  *atomic.Int64 // microseconds since the node began
	curtain int64         // when the story began, likewise
	lines   map[string]*nodetest.Line
	hand    *nodetest.Line // the stage hand's own connection
	ear     *nodetest.Line // hears all events
	marks   int
}

// The node begins a while before the story, so that it leads when that begins.
const (
	storyTime = 1_700_000_000_000_000 // unix microseconds at which stories begin
	prelude   = 10_000_000
	stride    = 20_000 // time passes in strides of less than a heartbeat, as for a node that never stalls
)

func newTheatre(t *testing.T) *theatre {
	s := &theatre{t: t, passed: &atomic.Int64{}, lines: map[string]*nodetest.Line{}}
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	var err error
	cfg := node.Config{Name: "n1", Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off",
		Commands: storyCommands()}
	s.n, err = node.OpenAt(ctx, cfg, s.time)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.n.Close(); err != nil {
			t.Error(err)
		}
	})
	s.addr, _, _ = s.n.Addresses()
	nodetest.Eventually(t, "the node leads", func() bool {
		s.passed.Add(stride)
		s.n.Step()
		return waist.Of(s.n).Ready().Ready
	})
	s.passed.Store(prelude)
	s.curtain = prelude
	s.hand, s.ear = s.dial(), s.dial()
	s.do(s.ear, "PSUBSCRIBE", caucus.EventChannel("*"))
	s.do(s.ear, "SUBSCRIBE", "mark")
	s.rest()
	return s
}

// storyCommands gives the custom commands of stories.
func storyCommands() (list []node.Command) {
	for _, c := range story.Commands() {
		list = append(list, node.Command{Name: c.Name, Writes: c.Writes, Least: c.Least, Most: c.Most,
			Run: func(tx *node.Tx, args []string) caucus.Reply { return c.Run(tx, args) }})
	}
	return list
}

// time is the node's clock.
func (s *theatre) time() replica.Time {
	passed := s.passed.Load()
	return replica.Time{Mono: 1_000_000 + passed, Wall: storyTime - prelude + passed}
}

func (s *theatre) dial() *nodetest.Line {
	line, err := nodetest.Dial(s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = line.Close() }) // the story may have closed it
	s.do(line, "HELLO", "3")
	return line
}

func (s *theatre) do(line *nodetest.Line, words ...string) caucus.Reply {
	s.t.Helper()
	reply, err := line.Do(words...)
	if err != nil {
		s.t.Errorf("%v: %v", words, err)
	}
	return reply
}

// rest waits until nothing more follows from what has happened: a write that changes nothing was
// then the only entry of the log, and everything proposed before it is applied.
func (s *theatre) rest() {
	for {
		before := s.n.Step()
		s.do(s.hand, "DEL", "no such key")
		if s.n.Step() == before+1 {
			return
		}
	}
}

// line gives the connection of a client.
func (s *theatre) line(client string) *nodetest.Line {
	line := s.lines[client]
	if line == nil {
		line = s.dial()
		s.lines[client] = line
	}
	return line
}

func (s *theatre) Wait(client string, cmd caucus.Command) {
	before := s.n.Waiting()
	if err := s.line(client).Send(cmd); err != nil {
		s.t.Fatal(err)
	}
	nodetest.Eventually(s.t, client+" waits", func() bool { return s.n.Waiting() > before })
	s.rest()
}

func (s *theatre) Hear(client string) caucus.Reply {
	return s.passUntil(func() caucus.Reply {
		reply, err := s.line(client).Read()
		if err != nil {
			s.t.Error(err)
		}
		return reply
	})
}

func (s *theatre) Do(client string, cmd caucus.Command) caucus.Reply {
	line := s.line(client)
	return s.passUntil(func() caucus.Reply { return s.do(line, cmd...) })
}

// passUntil lets time pass until a reply has come.
func (s *theatre) passUntil(read func() caucus.Reply) caucus.Reply {
	replies := make(chan caucus.Reply, 1)
	go func() { replies <- read() }()
	defer s.rest()
	for {
		select {
		case reply := <-replies:
			return reply
		case <-time.After(200 * time.Millisecond): // it waits for the node's clock, as a marked session does
			s.passed.Add(stride)
			s.n.Step()
		}
	}
}

func (s *theatre) HangUp(client string) {
	before := s.n.Connections()
	if err := s.lines[client].Close(); err != nil {
		s.t.Fatal(err)
	}
	delete(s.lines, client)
	nodetest.Eventually(s.t, "the node sees that "+client+" has hung up", func() bool {
		return s.n.Connections() == before-1
	})
	s.rest()
}

func (s *theatre) Advance(to int64) {
	for end := s.curtain + to*1000; s.passed.Load() < end; s.rest() {
		s.passed.Add(min(stride, end-s.passed.Load()))
	}
}

// Events reads what has come, up to a mark of our own.
func (s *theatre) Events() (events []entry.Event) {
	s.marks++
	mark := strconv.Itoa(s.marks)
	s.do(s.hand, "PUBLISH", "mark", mark)
	for {
		push, err := s.ear.Read()
		if err != nil {
			s.t.Fatal(err)
		}
		switch text := push.Items[len(push.Items)-1].Str; {
		case push.Items[0].Str == "pmessage":
			events = append(events, entry.Event{JSON: text})
		case text == mark:
			return events
		}
	}
}
