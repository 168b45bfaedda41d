package tests

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
	"github.com/redis/go-redis/v9"
)

// transcript is what one listener was told of what went through the log.
type transcript struct {
	mu   sync.Mutex
	told []string
	seq  uint64 // of the last
}

// take notes an event, unless it is an old one or no event of the log.
func (tr *transcript) take(payload string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if seq := seqOf(payload); seq > tr.seq {
		tr.told, tr.seq = append(tr.told, payload), seq
	}
}

func seqOf(payload string) uint64 {
	var e struct{ Seq uint64 }
	_ = json.Unmarshal([]byte(payload), &e) // what is none has none
	return e.Seq
}

func (tr *transcript) last() uint64 {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.seq
}

func (tr *transcript) all() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.told)
}

// read takes the lines of a program that are events.
func (tr *transcript) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "{") {
			tr.take(lines.Text())
		}
	}
}

// listener starts a program that listens, and gives what it hears and what ends it.
func listener(t *testing.T, end syscall.Signal, name string, args ...string) *transcript {
	t.Helper()
	tr := &transcript{}
	cmd := nodetest.Command(t, name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); tr.read(out) }()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(end); err != nil {
			t.Errorf("%s has ended: %v", name, err)
		}
		<-done
		if err := cmd.Wait(); err != nil && end == syscall.SIGINT {
			t.Errorf("%s, interrupted: %v", name, err)
		}
	})
	return tr
}

// goRedis listens by go-redis, which comes back by itself when its node is lost, at any other. What it missed
// meanwhile is read when it has.
func goRedis(t *testing.T, addrs []string) *transcript {
	c := redis.NewClient(&redis.Options{Addr: addrs[0], Dialer: func(ctx context.Context, network, _ string) (
		conn net.Conn, err error) {
		for _, addr := range addrs {
			if conn, err = new(net.Dialer).DialContext(ctx, network, addr); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}})
	ctx, cancel := context.WithCancel(t.Context())
	tr, sub, done := &transcript{}, c.Subscribe(ctx, "caucus:g:g"), make(chan struct{})
	catchUp := func() error {
		missed, err := c.Do(ctx, "GROUP", "EVENTS", "g", "FROM", tr.last()+1).Slice()
		for _, e := range missed {
			tr.take(e.([]any)[1].(string))
		}
		return err
	}
	go func() {
		defer close(done)
		for m := range sub.ChannelWithSubscriptions() {
			switch m := m.(type) {
			case *redis.Subscription:
				for tr.last() > 0 && catchUp() != nil && ctx.Err() == nil {
				}
			case *redis.Message:
				tr.take(m.Payload)
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		_, _ = sub.Close(), c.Close() // its node may be gone
		<-done
	})
	return tr
}

// browser listens as a browser does: when a stream ends it comes again, here at the next node, with the id of
// the last event that it has.
func browser(t *testing.T, addrs []string) *transcript {
	ctx, cancel := context.WithCancel(t.Context())
	tr, done := &transcript{}, make(chan struct{})
	go func() {
		defer close(done)
		for at := 0; ctx.Err() == nil; at++ {
			_ = tr.stream(ctx, addrs[at%len(addrs)]) // its node may be gone
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return tr
}

// stream reads one stream to its end.
func (tr *transcript) stream(ctx context.Context, addr string) error {
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/v1/groups/g/events", nil)
	if err != nil {
		return err
	}
	if last := tr.last(); last > 0 {
		r.Header.Set("Last-Event-ID", fmt.Sprint(last))
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			tr.take(data)
		}
	}
	return lines.Err()
}

// company is what happens in the group: two who stay, and one after the other who come, lead, vote, speak,
// go.
type company struct {
	t    *testing.T
	c    *client.Client
	stay []*client.Session
}

func newCompany(t *testing.T, addrs []string) *company {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Config{Addrs: addrs})
	if err != nil {
		t.Fatal(err)
	}
	co := &company{t: t, c: c}
	t.Cleanup(func() { _ = c.Close() })
	for range 2 {
		s, err := c.Session(t.Context(), client.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		if _, err := s.Join(t.Context(), "g", client.JoinOptions{}); err != nil {
			t.Fatal(err)
		}
		co.stay = append(co.stay, s)
	}
	return co
}

// round lets things happen. What fails because a node is being lost is not this test's affair.
func (co *company) round(n int) {
	ctx, cancel := context.WithTimeout(co.t.Context(), nodetest.Patience)
	defer cancel()
	s, err := co.c.Session(ctx, client.SessionOptions{})
	if err != nil {
		return
	}
	defer s.Close()
	m, err := s.Join(ctx, "g", client.JoinOptions{Name: fmt.Sprint("m", n), Metadata: "\xff not text"})
	if err != nil {
		return
	}
	_, _ = co.c.Do(ctx, caucus.Command{"GROUP", "TRANSFER", "g", m.Name()})
	if poll, err := m.CallVote(ctx, fmt.Sprint("topic ", n), client.VoteOptions{}); err == nil {
		_ = m.Cast(ctx, poll, n%2 == 0)
	}
	for _, sender := range append(co.stay, s) {
		_, _ = sender.Send(ctx, "g", fmt.Sprint("round ", n), client.Recipient{Ordered: true})
		_, _ = sender.Send(ctx, "g", "beside the log", client.Recipient{})
	}
	_ = m.Leave(ctx)
}

// theEnd is the last message. What the group does by itself, slots that move among others, may still follow.
const theEnd = "the end"

// upToTheEnd gives what was heard up to the last message, and whether that was.
func (tr *transcript) upToTheEnd() (told []string, ended bool) {
	told = tr.all()
	last := slices.IndexFunc(told, func(e string) bool { return strings.Contains(e, theEnd) })
	return told[:last+1], last >= 0
}

// end sends the last message, and waits until all have it.
func (co *company) end(all ...*transcript) {
	co.t.Helper()
	if _, err := co.stay[0].Send(co.t.Context(), "g", theEnd, client.Recipient{Ordered: true}); err != nil {
		co.t.Fatal(err)
	}
	for i, tr := range all {
		nodetest.Eventually(co.t, fmt.Sprintf("listener %d hears the end", i), func() bool {
			_, ended := tr.upToTheEnd()
			return ended
		})
	}
}

// caucus watch, redis-cli SUBSCRIBE and go-redis hear the same events in the same order from three nodes, one
// of which is killed and comes back; who listened there goes on elsewhere and misses nothing, as does who
// listened to server-sent events (A11).
func TestA11_OneOrderThroughThreeDoors(t *testing.T) {
	tool.Need(t, "redis-cli")
	for _, c := range []struct {
		name                  string
		watch, cli, go_, kill int // nodes, counted from the leader
	}{
		{"watch's, which leads", 0, 1, 2, 0}, {"go-redis', which leads", 1, 2, 0, 0},
		{"watch's, which follows", 1, 0, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.watch != 0 {
				return
			}
			t.Parallel()
			oneOrder(t, c.watch, c.cli, c.go_, c.kill)
		})
	}
}

func oneOrder(t *testing.T, watch, cli, goes, kill int) {
	c := nodetest.Start(t, 3)
	leads := c.Leader()
	at := func(i int) []string {
		i = (leads + i) % c.Size()
		return slices.Concat(c.Addrs()[i:], c.Addrs()[:i])
	}
	if _, err := nodetest.Ask(c.Addr(0), "GROUP", "CREATE", "g", "SETTLE", "0", "SLOTS", "16"); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(at(cli)[0], ":")
	all := []*transcript{
		listener(t, syscall.SIGINT, nodetest.Binary(t), "watch", "g", "--addr", strings.Join(at(watch), ","),
			"--from", "0"),
		listener(t, syscall.SIGTERM, "redis-cli", "-h", host, "-p", port, "SUBSCRIBE", "caucus:g:g"),
		goRedis(t, at(goes)),
	}
	victim := (leads + kill) % c.Size()
	all = append(all, browser(t, []string{c.HTTP(victim), c.HTTP((victim + 1) % c.Size())}))
	for i, addr := range c.Addrs() {
		nodetest.Eventually(t, "all listen at "+addr, func() bool {
			r, err := nodetest.Ask(addr, "PUBSUB", "NUMSUB", "caucus:g:g")
			return err == nil && (r.Items[1].Int == 2) == (i == victim) && r.Items[1].Int > 0
		})
	}
	co := newCompany(t, at(kill+1))
	var rounds atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 12 {
			co.round(n)
			rounds.Store(int64(n + 1))
		}
	}()
	nodetest.Eventually(t, "much has happened", func() bool { return rounds.Load() >= 3 })
	c.Kill(victim)
	<-done
	c.Restart(victim)
	co.round(12)
	co.end(all...)
	compare(t, all)
}

// compare looks whether all have heard the same, and no number is missing.
func compare(t *testing.T, all []*transcript) {
	t.Helper()
	first, _ := all[0].upToTheEnd()
	for i, tr := range all {
		told, _ := tr.upToTheEnd()
		for k := range min(len(told), len(first)) {
			if told[k] != first[k] {
				t.Fatalf("listener %d heard as number %d\n%s, the first\n%s", i, k, told[k], first[k])
			}
		}
		if len(told) != len(first) {
			t.Errorf("listener %d heard %d events, the first %d", i, len(told), len(first))
		}
	}
	for k := 1; k < len(first); k++ {
		if seqOf(first[k]) != seqOf(first[k-1])+1 {
			t.Errorf("%s\nis followed by\n%s", first[k-1], first[k])
		}
	}
	if len(first) < 50 {
		t.Errorf("only %d events were heard", len(first))
	}
}

// Watching has the manners of a command: it waits for a group, ends well when nobody reads any more, and its
// status says what was wrong.
func TestWatchOnTheCommandLine(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	sh := nodetest.Command(t, "sh", "-c", `"$0" watch g --addr "$1" | head -n 2`,
		nodetest.Binary(t), c.Addr(0))
	var out strings.Builder
	sh.Stdout = &out
	if err := sh.Start(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "it has asked for the group", func() bool {
		r, err := nodetest.Ask(c.Addr(0), "INFO", "commandstats")
		return err == nil && strings.Contains(r.Text(), "group|info")
	})
	line, err := nodetest.Dial(c.Addr(0))
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	r, err := line.Do(strings.Fields("GROUP JOIN g AS a MIN 2 TTL 600000")...)
	if err != nil || r.Err() != nil {
		t.Fatal(err, r)
	}
	err = sh.Wait() // nothing more will happen
	if said := out.String(); err != nil || !strings.HasPrefix(said, `{"event":"joined","group":"g",`) ||
		!strings.Contains(said, "\n"+`{"event":"settling",`) {
		t.Errorf("%v, %q", err, said)
	}
	for _, w := range []struct {
		args   string
		status int
		says   string
	}{
		{"watch", 2, "group"}, {"watch /", 2, "no name of a group"}, {"watch g --from -1", 2, "--from"},
		{"watch g --addr 127.0.0.1:1", 1, "127.0.0.1:1"},
	} {
		status, out, said := verb(t, strings.Fields(w.args)...)
		if status != w.status || out != "" || !strings.Contains(said, w.says) {
			t.Errorf("%s: status %d, %q, %q; want %d and %q", w.args, status, out, said, w.status, w.says)
		}
	}
}
