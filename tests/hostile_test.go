//go:build linux

package tests

import (
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// throng is how many connections are held, all but those of who is measured.
const throng = 10_000

// roomFor asks the system for as many open files as the crowd needs, here and in the node, which inherits it.
func roomFor(t testing.TB, files uint64) {
	t.Helper()
	var have syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &have); err != nil {
		t.Fatal(err)
	}
	if want := (syscall.Rlimit{Cur: files, Max: max(files, have.Max)}); have.Cur < files {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &want); err != nil {
			t.Skipf("the system gives %d open files, and %d are needed: %v", have.Max, files, err)
		}
		t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &have) })
	}
}

// mob is clients that mean harm, at one node.
type mob struct {
	t    testing.TB
	addr string
	stop context.CancelFunc
	ctx  context.Context
	all  sync.WaitGroup
}

// assemble holds the throng, most of it idle, and sets who means harm on the node.
func assemble(t testing.TB, addr string) *mob {
	m := &mob{t: t, addr: addr}
	m.ctx, m.stop = context.WithCancel(t.Context())
	t.Cleanup(m.disperse)
	kinds := []struct {
		many int
		does func(net.Conn)
	}{{throng - 132, m.idles}, {40, m.readsNothing}, {40, m.sendsHalf}, {2, m.floods}, {10, m.pipes},
		{40, m.babbles}}
	for _, kind := range kinds {
		for range kind.many {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			m.all.Go(func() { m.insist(conn, kind.does) })
		}
	}
	return m
}

// insist does harm on a connection and, as often as it is cut, on another, until the mob disperses.
func (m *mob) insist(conn net.Conn, does func(net.Conn)) {
	for {
		forget := context.AfterFunc(m.ctx, func() { _ = conn.Close() })
		does(conn)
		forget()
		_ = conn.Close()
		select {
		case <-m.ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
		var err error
		if conn, err = (&net.Dialer{}).DialContext(m.ctx, "tcp", m.addr); err != nil {
			return
		}
	}
}

func (m *mob) disperse() {
	m.stop()
	m.all.Wait()
}

// rest reads what there is until the connection ends.
func rest(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// idles says one word and then nothing.
func (m *mob) idles(conn net.Conn) {
	_, _ = io.WriteString(conn, "PING\r\n")
	rest(conn)
}

// readsNothing asks for much and takes none of it.
func (m *mob) readsNothing(conn net.Conn) {
	ask := strings.Repeat("GET big\r\n", 1000)
	for m.ctx.Err() == nil {
		if _, err := io.WriteString(conn, ask); err != nil {
			return
		}
	}
}

// sendsHalf sends much of a large command and stops before its end.
func (m *mob) sendsHalf(conn net.Conn) {
	_, _ = io.WriteString(conn, "*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$8388608\r\n"+strings.Repeat("x", 7<<20))
	rest(conn)
}

// floods sends as fast as it can, and reads.
func (m *mob) floods(conn net.Conn) {
	m.all.Go(func() { rest(conn) })
	text := strings.Repeat("PING\r\n", 5000)
	for m.ctx.Err() == nil {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
}

// pipes sends one giant pipeline of writes, reads, and rests.
func (m *mob) pipes(conn net.Conn) {
	go func() {
		_, _ = io.WriteString(conn, strings.Repeat("SET pipe "+strings.Repeat("v", 100)+"\r\n", 20_000))
	}()
	if _, err := io.CopyN(io.Discard, conn, 20_000*5); err != nil {
		return
	}
	select {
	case <-m.ctx.Done():
	case <-time.After(time.Second):
	}
}

// babbles sends what is no RESP.
func (m *mob) babbles(conn net.Conn) {
	_, _ = io.WriteString(conn, "*1048577\r\n$-5\r\n\x00\xff\x16\x03\x01")
	rest(conn)
}

// polite works at the node as one should, and gives how long each command took.
func polite(t testing.TB, addr string, rounds int) (took []time.Duration) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, PoolSize: 1, ReadTimeout: time.Minute})
	defer c.Close()
	for n := range rounds {
		begun := time.Now()
		if err := c.Set(t.Context(), "polite", n, 0).Err(); err != nil {
			t.Fatalf("SET %d: %v", n, err)
		}
		took = append(took, time.Since(begun))
		begun = time.Now()
		if got, err := c.Get(t.Context(), "polite").Int(); err != nil || got != n {
			t.Fatalf("GET gives %d, %v, not %d", got, err, n)
		}
		took = append(took, time.Since(begun))
		time.Sleep(time.Millisecond) // it is no flood
	}
	slices.Sort(took)
	return took
}

// holds asks a node how many bytes it holds from the system, and how many of them for its clients.
func holds(t testing.TB, addr string) (all, clients int64) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: time.Minute})
	defer c.Close()
	number := func(section, name string) int64 {
		text, err := c.Info(t.Context(), section).Result()
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(text, name+":")
		word, _, _ := strings.Cut(after, "\r\n")
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			t.Fatalf("INFO %s says %s:%s", section, name, word)
		}
		return n
	}
	return number("memory", "used_memory_rss"), number("clients", "client_memory")
}

// hostileNode starts one that thousands can come to, with a value that is dear to read.
func hostileNode(t testing.TB) string {
	t.Helper()
	roomFor(t, throng+2000)
	c := nodetest.Start(t, 1, nodetest.Flags("--max-clients", strconv.Itoa(throng+100),
		"--max-client-memory", "128mb"))
	r := redis.NewClient(&redis.Options{Addr: c.Addr(0)})
	defer r.Close()
	if err := r.Set(t.Context(), "big", strings.Repeat("b", 1<<20), 0).Err(); err != nil {
		t.Fatal(err)
	}
	return c.Addr(0)
}

// TestHostileClients holds 10,000 connections, of which some mean harm: they read nothing, send halves,
// flood, babble, and come again when they are cut. A client that works as one should is answered rightly
// meanwhile, and the node holds no more than it may.
func TestHostileClients(t *testing.T) {
	addr := hostileNode(t)
	before, _ := holds(t, addr)
	m := assemble(t, addr)
	var most, clients int64
	for range 4 {
		polite(t, addr, 20)
		all, theirs := holds(t, addr)
		most, clients = max(most, all), max(clients, theirs)
	}
	m.disperse()
	t.Logf("%d MiB at rest, %d at most, of them %d for what clients hold", before>>20, most>>20, clients>>20)
	if clients > 128<<20 {
		t.Errorf("clients held %d MiB", clients>>20)
	}
	// What clients hold, the log up to its next snapshot and behind the last, all once more for what the
	// collector has not seen yet; and the connections.
	if bound := before + 2*((128+256+64)<<20) + throng*40<<10; most > bound {
		t.Errorf("the node held %d MiB, and %d would do", most>>20, bound>>20)
	}
	nodetest.Eventually(t, "what the mob held is given back", func() bool {
		_, theirs := holds(t, addr)
		return theirs == 0
	})
}

// BenchmarkHostile measures how long a polite client waits, alone and beside 10,000 connections of which some
// mean harm.
func BenchmarkHostile(b *testing.B) {
	addr := hostileNode(b)
	for b.Loop() {
		quiet := polite(b, addr, 1000)
		m := assemble(b, addr)
		time.Sleep(2 * time.Second) // they are all there, and at it
		beside := polite(b, addr, 1000)
		all, clients := holds(b, addr)
		m.disperse()
		p99 := func(took []time.Duration) float64 { return took[len(took)*99/100].Seconds() * 1000 }
		b.ReportMetric(p99(quiet), "ms-quiet-p99")
		b.ReportMetric(p99(beside), "ms-p99")
		b.ReportMetric(p99(beside)/p99(quiet), "times")
		b.ReportMetric(float64(all>>20), "MiB")
		b.ReportMetric(float64(clients>>20), "MiB-of-clients")
	}
}
