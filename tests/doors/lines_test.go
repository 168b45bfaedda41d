package doors

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/story"
)

// line is a plain connection whose failures end the test.
type line struct {
	*nodetest.Line
	t *testing.T
}

func dial(t *testing.T, addr string) line {
	t.Helper()
	l, err := nodetest.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the test may have closed it
	return line{l, t}
}

// do carries out a command of words without spaces.
func (l line) do(text string) caucus.Reply {
	l.t.Helper()
	reply, err := l.Do(strings.Fields(text)...)
	if err != nil {
		l.t.Fatalf("%s: %v", text, err)
	}
	return reply
}

// want carries out a command and compares what redis-cli would print of the reply, on one line.
func (l line) want(text, want string) {
	l.t.Helper()
	if got := shown(l.do(text)); got != want {
		l.t.Errorf("%s: got %s, want %s", text, got, want)
	}
}

func shown(r caucus.Reply) string {
	return strings.Join(strings.Fields(strings.Join(story.Print(r), " ")), " ")
}

// push reads the next reply or push.
func (l line) push() caucus.Reply {
	l.t.Helper()
	r, err := l.Read()
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

func TestInlineCommandsAsOverTelnet(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	conn := dial(t, c.Addr(0))
	lines := "SET greeting \"hello world\"\r\n\r\nget greeting\nINCR n\r\nPING\r\nQUIT\r\n"
	if _, err := io.WriteString(conn, lines); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(bufio.NewReader(conn.Conn))
	if want := "+OK\r\n$11\r\nhello world\r\n:1\r\n+PONG\r\n+OK\r\n"; err != nil || string(text) != want {
		t.Errorf("got %q, %v, want %q", text, err, want)
	}
	for _, broken := range []string{
		"*1\r\n$-5\r\n", "*2147483648\r\n", "*1\r\n:1\r\n", strings.Repeat("x", 70_000),
	} {
		conn := dial(t, c.Addr(0))
		if _, err := io.WriteString(conn, broken); err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(conn.Conn) // how the connection ends is the system's
		if !strings.HasPrefix(string(text), "-ERR Protocol error") {
			t.Errorf("%.20q was answered %q", broken, text)
		}
	}
}

// A pipeline that mixes reads and writes is answered in order, and each read sees the writes before
// it and none after it, through any node (SAFETY A10).
func TestPipelinesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	for i := range c.Size() {
		conn := dial(t, c.Addr(i))
		key := "k" + c.Name(i)
		var cmds []caucus.Command
		for n := range 200 {
			cmds = append(cmds, caucus.Command{"GET", key}, caucus.Command{"SET", key, fmt.Sprint(n)},
				caucus.Command{"GET", key}, caucus.Command{"PING", fmt.Sprint(n)})
		}
		if err := conn.Send(cmds...); err != nil {
			t.Fatal(err)
		}
		before := "(nil)"
		for n := range 200 {
			now := fmt.Sprintf("%q", fmt.Sprint(n))
			for _, want := range []string{before, "OK", now, now} {
				if got := shown(conn.push()); got != want {
					t.Fatalf("%s, round %d: got %s, want %s", c.Name(i), n, got, want)
				}
			}
			before = now
		}
	}
	c.Agree()
}

func TestQuit(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	for _, d := range dialers() {
		got, err := d.dial(t, c.Addr(0)).say([]string{"QUIT"})
		own := strings.HasPrefix(d.name, "redis-cli") // it keeps QUIT for itself
		if !own && (err != nil || strings.Join(got, "|") != "OK") {
			t.Errorf("%s: %q, %v", d.name, got, err)
		}
	}
}

func TestFlush(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	dial(t, c.Addr(0)).want("GROUP CREATE g", "OK")
	for _, d := range dialers() {
		s := d.dial(t, c.Addr(0))
		for _, command := range []string{
			"SET k v", "FLUSHALL ASYNC", "DBSIZE", "SET k v", "FLUSHDB", "DBSIZE", "GROUP LIST MATCH g",
		} {
			got, err := s.say(strings.Fields(command))
			want := map[string]string{"DBSIZE": "0", "GROUP LIST MATCH g": "g"}[command]
			if want == "" {
				want = "OK"
			}
			if err != nil || strings.Join(got, "|") != want {
				t.Errorf("%s: %s: %q, %v, want %s", d.name, command, got, err, want)
			}
		}
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	for i, d := range dialers()[1:3] {
		_, _ = d.dial(t, c.Addr(i)).say([]string{"SHUTDOWN", "NOSAVE"}) // answered or cut off
		c.Ended(i)
		c.Restart(i)
		c.Settled()
	}
}
