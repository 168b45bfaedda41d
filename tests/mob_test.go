package tests

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// throng is how many connections are held, all but those of who is measured.
const throng = 10_000

// mob is clients that mean harm, at one node.
type mob struct {
	addr string
	stop context.CancelFunc
	ctx  context.Context
	all  sync.WaitGroup
}

// counters is a kind that means no harm and is no part of all: it shows what it costs when somebody only uses
// the processors.
const counters = "counting"

// kinds of clients that mean harm, and how many there are of each.
var kinds = []struct {
	name string
	many int
	does func(*mob, net.Conn)
}{
	{"slow readers", 40, (*mob).readsNothing},
	{"halves", 40, (*mob).sendsHalf},
	{"floods", 2, (*mob).floods},
	{"pipelines", 10, (*mob).pipes},
	{"babble", 40, (*mob).babbles},
	{counters, runtime.NumCPU(), (*mob).counts},
}

// assemble holds the throng, most of it idle, and sets who means harm on the node: those of one kind, or all.
func assemble(addr, only string) (*mob, error) {
	m := &mob{addr: addr}
	m.ctx, m.stop = context.WithCancel(context.Background())
	idle := throng
	for _, kind := range kinds {
		if only == kind.name || only == "" && kind.name != counters {
			if err := m.come(kind.many, kind.does); err != nil {
				return m, err
			}
			idle -= kind.many
		}
	}
	return m, m.come(idle, (*mob).idles)
}

// come connects so many, who do harm from then on.
func (m *mob) come(many int, does func(*mob, net.Conn)) error {
	for range many {
		conn, err := m.dial()
		if err != nil {
			return err
		}
		m.all.Go(func() { m.insist(conn, func(conn net.Conn) { does(m, conn) }) })
	}
	return nil
}

// dial connects as the mob's user.
func (m *mob) dial() (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(m.ctx, "tcp", m.addr)
	if err != nil {
		return nil, err
	}
	if _, err = io.WriteString(conn, "AUTH mob mob\r\n"); err == nil {
		_, err = io.ReadFull(conn, make([]byte, len("+OK\r\n")))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
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
		if conn, err = m.dial(); err != nil {
			return
		}
	}
}

func (m *mob) disperse() {
	m.stop()
	m.all.Wait()
}

// bring sends in small pieces, as a network does. In one piece it would all be copied by one system call, and
// meanwhile the system lets nobody else have the processor.
func bring(conn net.Conn, text []byte) error {
	for piece := range slices.Chunk(text, 16<<10) {
		if _, err := conn.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// rest reads what there is until the connection ends.
func rest(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// idles says one word and then nothing.
func (m *mob) idles(conn net.Conn) {
	_, _ = io.WriteString(conn, "PING\r\n")
	rest(conn)
}

// What they send is made once, so that making it takes nothing of the machine while they are at it.
var (
	muchAsked = text("GET big\r\n", 1000)
	half      = text("x", 7<<20)
	flood     = text("PING\r\n", 5000)
	pipeline  = text("SET pipe "+strings.Repeat("v", 100)+"\r\n", 20_000)
)

// text gives a text many times over, which is made when it is first asked for.
func text(s string, times int) func() []byte {
	return sync.OnceValue(func() []byte { return bytes.Repeat([]byte(s), times) })
}

// readsNothing asks for much and takes none of it.
func (m *mob) readsNothing(conn net.Conn) {
	for m.ctx.Err() == nil {
		if err := bring(conn, muchAsked()); err != nil {
			return
		}
	}
}

// sendsHalf sends much of a large command and stops before its end.
func (m *mob) sendsHalf(conn net.Conn) {
	_, _ = io.WriteString(conn, "*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$8388608\r\n")
	_ = bring(conn, half())
	rest(conn)
}

// floods sends as fast as it can, and reads.
func (m *mob) floods(conn net.Conn) {
	m.all.Go(func() { rest(conn) })
	for m.ctx.Err() == nil {
		if err := bring(conn, flood()); err != nil {
			return
		}
	}
}

// pipes sends one giant pipeline of writes, reads, and rests.
func (m *mob) pipes(conn net.Conn) {
	go func() {
		_ = bring(conn, pipeline())
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

// counts asks nothing of the node, and has a processor as far as nobody else wants it.
func (m *mob) counts(net.Conn) {
	for m.ctx.Err() == nil {
	}
}

// What a process of this binary that is a mob is told by its environment.
const (
	mobAt   = "CAUCUS_TEST_MOB_AT"
	mobKind = "CAUCUS_TEST_MOB_KIND"
)

// riot is a mob that has a process of its own, until its standard input ends.
func riot(addr, only string) error {
	m, err := assemble(addr, only)
	defer m.disperse()
	if err != nil {
		return err
	}
	fmt.Println("all are there")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// incite sets a mob on a node that comes from elsewhere: it has the processors only when neither the node nor
// who is polite want them. Dispersed it is by what incite returns.
func incite(b *testing.B, addr, only string) (disperse func()) {
	b.Helper()
	cmd := nodetest.Command(b, "chrt", "--idle", "0", os.Args[0])
	cmd.Env = append(os.Environ(), mobAt+"="+addr, mobKind+"="+only)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		b.Fatalf("the mob did not come: %v", err)
	}
	return func() {
		_ = in.Close() // it ends by this
		if err := cmd.Wait(); err != nil {
			b.Errorf("the mob: %v", err)
		}
	}
}
