package respd_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/respd"
	"github.com/caucus-project/caucus/internal/talk"
	"github.com/caucus-project/caucus/internal/waist"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// memory is a waist.Server with a map for a state.
type memory struct {
	*feed.Hub
	table  *command.Table
	conns  atomic.Uint64
	closed chan bool     // gets "lost" of every conversation that ends
	hold   chan struct{} // when not nil, DoAll says so on held and waits for it
	held   chan struct{}
	refuse atomic.Bool

	pushed, abandoned atomic.Int64

	dump  dump
	owner atomic.Value // string: whose the private channels of "me" are

	mu   sync.Mutex
	keys map[string]string
	most int // commands in one DoAll
}

func newMemory(limits feed.Limits) *memory {
	m := &memory{Hub: feed.New(limits, time.Now), table: command.New(), closed: make(chan bool, 1000),
		held: make(chan struct{}, 1000), keys: map[string]string{}}
	m.owner.Store("mine")
	return m
}

func (m *memory) Open(waist.ConnInfo) (waist.Conn, error) {
	if m.refuse.Load() {
		return nil, caucus.Errorf(caucus.ErrTryAgain, "stopping")
	}
	t := talk.New(talk.Config{Conn: m.conns.Add(1), Table: m.table,
		NewID: func() [16]byte { return [16]byte{1} },
		Node:  func(cmd caucus.Command) caucus.Reply { return m.Local(context.Background(), cmd) }})
	return &conversation{Talk: t, m: m}, nil
}

func (m *memory) Local(_ context.Context, cmd caucus.Command) caucus.Reply {
	if strings.EqualFold(cmd[0], "role") {
		return caucus.Array(caucus.Bulk("master"), caucus.Int(0), caucus.Array())
	}
	return caucus.Bulk("# Server\r\nredis_version:7.0.15\r\n")
}

// dump is what GETDUMP answers; who writes it waits where it is told to.
type dump struct {
	lines []string
	pause chan struct{} // when not nil, gets something before each line
}

func (d dump) Lines() int { return len(d.lines) }

func (d dump) Dump(to io.Writer) error {
	for _, line := range d.lines {
		if d.pause != nil {
			d.pause <- struct{}{}
		}
		if _, err := io.WriteString(to, line+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Dump() (waist.Dump, *caucus.Error) {
	if m.refuse.Load() {
		return nil, caucus.Errorf(caucus.ErrLoading, "not yet")
	}
	m.held <- struct{}{}
	return m.dump, nil
}

func (m *memory) Ready() waist.Readiness { return waist.Readiness{Ready: true} }

type conversation struct {
	*talk.Talk
	m *memory
}

// Feed says that channels of member "me" are the conversation's own.
func (c *conversation) Feed(_ context.Context, channel string) (string, *caucus.Error) {
	if strings.HasSuffix(channel, ":me") {
		return channel + waist.FeedMark + c.m.owner.Load().(string), nil
	}
	return "", caucus.Errorf(caucus.ErrNoPerm, "not yours")
}

func (c *conversation) Close(lost bool) { c.m.closed <- lost }

// Start answers from another goroutine, so that who comes by a socket has a lane.
func (c *conversation) Start(ctx context.Context, cmds []caucus.Command, done func([]caucus.Reply),
) []caucus.Reply {
	if len(cmds) == 1 && strings.EqualFold(cmds[0][0], "echo") {
		return c.DoAll(ctx, cmds)
	}
	go func() { done(c.DoAll(ctx, cmds)) }()
	return nil
}

func (c *conversation) Push() { c.m.pushed.Add(1) }

func (c *conversation) Abandon() { c.m.abandoned.Add(1) }

func (c *conversation) DoAll(ctx context.Context, cmds []caucus.Command) (replies []caucus.Reply) {
	if c.m.hold != nil {
		c.m.held <- struct{}{}
		<-c.m.hold
	}
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.m.most = max(c.m.most, len(cmds))
	c.m.await(ctx, cmds)
	for len(cmds) > 0 {
		p, used := c.Plan(cmds)
		results := make([]entry.Result, len(p.Steps))
		for i, s := range p.Steps {
			results[i].Reply = c.m.step(s.Op)
		}
		replies = append(replies, c.Finish(p, results)...)
		cmds = cmds[used:]
	}
	return replies
}

// await waits for a message on the channel of a group, as long as ctx lasts, if a command asks to wait.
func (m *memory) await(ctx context.Context, cmds []caucus.Command) {
	for _, cmd := range cmds {
		if spec, err := m.table.Lookup(cmd); err == nil && spec.Has(command.Blocking) {
			m.held <- struct{}{}
			ear := m.Watch()
			ear.Subscribe("wake")
			_, _ = ear.Next(ctx) // either ends the wait
			ear.Close()
		}
	}
}

func (m *memory) step(op *entry.Op) caucus.Reply {
	if len(op.Queue) == 0 {
		return m.one(op.Args)
	}
	all := make([]caucus.Reply, len(op.Queue))
	for i, cmd := range op.Queue {
		all[i] = m.one(cmd)
	}
	return caucus.Array(all...)
}

func (m *memory) one(cmd caucus.Command) caucus.Reply {
	switch strings.ToLower(cmd[0]) {
	case "set":
		m.keys[strings.Clone(cmd[1])] = strings.Clone(cmd[2])
		return caucus.OK()
	case "get":
		if v, ok := m.keys[cmd[1]]; ok {
			return caucus.Bulk(v)
		}
		return caucus.Nil()
	case "mget":
		items := make([]caucus.Reply, len(cmd)-1)
		for i := range items {
			items[i] = caucus.Bulk(m.keys[cmd[1+i]])
		}
		return caucus.Array(items...)
	case "publish":
		return caucus.Int(int64(m.Publish(cmd[1], cmd[2])))
	case "group":
		return caucus.Array()
	case ".watch":
		return caucus.Array(caucus.Int(0), caucus.Int(0))
	}
	return caucus.Fail(caucus.ErrBad, "the stage has no %s", cmd[0])
}

// stage is a door on a real socket.
type stage struct {
	t    testing.TB
	m    *memory
	door *respd.Server
	addr string
}

func open(t testing.TB, change ...func(*respd.Config, *memory)) *stage {
	t.Helper()
	s := &stage{t: t, m: newMemory(feed.Limits{})}
	cfg := respd.Config{Server: s.m, Table: s.m.table, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, f := range change {
		f(&cfg, s.m)
	}
	s.door = respd.New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.door.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.door.Close(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve gives %v", err)
		}
	})
	return s
}

// lost waits for the end of a conversation and gives what the door said of it.
func (s *stage) lost() bool {
	s.t.Helper()
	select {
	case lost := <-s.m.closed:
		return lost
	case <-time.After(patience):
		s.t.Fatal("the conversation does not end")
		return false
	}
}

// line is a client that sees the very bytes.
type line struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (s *stage) dial() *line {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	l := &line{s.t, conn, bufio.NewReader(conn)}
	s.t.Cleanup(func() { conn.Close() })
	return l
}

func (l *line) send(text string) {
	l.t.Helper()
	if _, err := io.WriteString(l, text); err != nil {
		l.t.Fatal(err)
	}
}

// expect reads as much as is wanted.
func (l *line) expect(want string) {
	l.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(l.r, got)
	if string(got[:n]) != want {
		l.t.Fatalf("got  %q (%v)\nwant %q", got[:n], err, want)
	}
}

func (l *line) say(text, want string) {
	l.t.Helper()
	l.send(text)
	l.expect(want)
}

// ends expects that the door closes the connection and sends nothing more.
func (l *line) ends() {
	l.t.Helper()
	if rest, err := io.ReadAll(l.r); err != nil || len(rest) > 0 {
		l.t.Fatalf("after the end: %q, %v", rest, err)
	}
}

func bulk(s string) string { return "$" + strconv.Itoa(len(s)) + "\r\n" + s + "\r\n" }
