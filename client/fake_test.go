package client_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/resp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a node that says what a test wants. Each command goes to answer; an answer of nil is silence.
type fake struct {
	t    *testing.T
	addr string
	ln   net.Listener

	mu     sync.Mutex
	answer func(l *fakeLine, cmd caucus.Command) *caucus.Reply
	lines  map[*fakeLine]bool
	came   []string // all commands, in the order they came
	judged []string // those of them whose answer was made
	more   chan struct{}
	served sync.WaitGroup
}

// fakeLine is one client's connection to a fake.
type fakeLine struct {
	net.Conn
	channels []string
	mute     bool // an answer was left out, so that no later one can be given
}

func startFake(t *testing.T, answer func(*fakeLine, caucus.Command) *caucus.Reply) *fake {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, addr: ln.Addr().String(), ln: ln, answer: answer}
	f.lines, f.more = map[*fakeLine]bool{}, make(chan struct{})
	f.served.Go(f.accept)
	t.Cleanup(f.stop)
	return f
}

func (f *fake) stop() {
	_ = f.ln.Close()
	f.cut()
	f.served.Wait()
}

// cut closes all connections; new ones are taken.
func (f *fake) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.lines {
		_ = l.Close()
	}
}

func (f *fake) accept() {
	for {
		conn, err := f.ln.Accept()
		if err != nil {
			return
		}
		l := &fakeLine{Conn: conn}
		f.mu.Lock()
		f.lines[l] = true
		f.mu.Unlock()
		f.served.Go(func() { f.serve(l) })
	}
}

func (f *fake) serve(l *fakeLine) {
	defer func() {
		_ = l.Close()
		f.mu.Lock()
		delete(f.lines, l)
		f.mu.Unlock()
	}()
	in := resp.NewReader(l, resp.Limits{})
	for {
		reqs, err := in.ReadBatch()
		if err != nil {
			return
		}
		for _, req := range reqs {
			f.take(l, req.Args)
		}
	}
}

func (f *fake) take(l *fakeLine, cmd caucus.Command) {
	f.note(&f.came, cmd)
	f.mu.Lock()
	answer := f.answer
	f.mu.Unlock()
	if cmd[0] == "SUBSCRIBE" {
		f.subscribe(l, cmd[1:])
		return
	}
	r := answer(l, cmd)
	f.note(&f.judged, cmd)
	if known := []string{"HELLO", "CLIENT", "ENSEMBLE", "INFO"}; r == nil && slices.Contains(known, cmd[0]) {
		r = reply(caucus.OK())
	}
	if l.mute = l.mute || r == nil; !l.mute {
		_, _ = l.Write(resp.Append(nil, 3, *r))
	}
}

// note adds a command to a list, and wakes who waits for it.
func (f *fake) note(list *[]string, cmd caucus.Command) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*list = append(*list, strings.Join(cmd, " "))
	close(f.more)
	f.more = make(chan struct{})
}

func (f *fake) subscribe(l *fakeLine, channels []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.channels = channels
	for i, channel := range channels {
		r := caucus.Push(caucus.Bulk("subscribe"), caucus.Bulk(channel), caucus.Int(int64(i+1)))
		_, _ = l.Write(resp.Append(nil, 3, r))
	}
}

// publish sends an event to all who listen to its group.
func (f *fake) publish(group, payload string) { f.say(caucus.EventChannel(group), payload) }

// say sends something to all who listen to a channel.
func (f *fake) say(channel, payload string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.lines {
		if slices.Contains(l.channels, channel) {
			push := caucus.Push(caucus.Bulk("message"), caucus.Bulk(channel), caucus.Bulk(payload))
			_, _ = l.Write(resp.Append(nil, 3, push))
		}
	}
}

func (f *fake) count(what string) int { return f.countIn(&f.came, what) }

func (f *fake) countIn(list *[]string, what string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cmd := range *list {
		if strings.HasPrefix(cmd, what) {
			n++
		}
	}
	return n
}

// await waits until a command that begins with what has come n times.
func (f *fake) await(what string, n int) {
	f.t.Helper()
	f.awaitIn(&f.came, what, n)
}

// awaitJudged waits until it is known what will be answered to such a command: what changes now comes after
// that.
func (f *fake) awaitJudged(what string, n int) {
	f.t.Helper()
	f.awaitIn(&f.judged, what, n)
}

func (f *fake) awaitIn(list *[]string, what string, n int) {
	f.t.Helper()
	over := time.After(20 * time.Second)
	for {
		f.mu.Lock()
		more := f.more
		f.mu.Unlock()
		if f.countIn(list, what) >= n {
			return
		}
		select {
		case <-more:
		case <-over:
			f.t.Fatalf("%q came %d times, want %d", what, f.countIn(list, what), n)
		}
	}
}

func reply(r caucus.Reply) *caucus.Reply { return &r }

func fail(word *caucus.Error, text string) *caucus.Reply { return reply(caucus.Fail(word, "%s", text)) }

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func dial(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.Dial(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
