package tests

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/resp"
)

// patientTTL is the TTL of members that send no heartbeats while a figure is taken.
const patientTTL = "600000"

// crowd is members of one group, each with a session and, on the same connection, an ear for the group's
// events. They are spread over the nodes in turn. What they hear is hardly taken apart: whoever measures many
// of them in one process would measure that.
type crowd struct {
	group  string
	lines  []*nodetest.Line
	wrong  chan error // holds the first thing that went wrong
	closed chan struct{}
	heard  sync.WaitGroup
}

// gather makes a crowd. None of the joins and none of what they bring about is still to be heard then.
func gather(b testing.TB, addrs []string, group string, n int) *crowd {
	b.Helper()
	c := &crowd{group: group, lines: make([]*nodetest.Line, n), wrong: make(chan error, 1),
		closed: make(chan struct{})}
	b.Cleanup(c.disperse)
	atOnce(b, n, func(i int) (err error) {
		c.lines[i], err = enter(addrs[i%len(addrs)], group)
		return err
	})
	atOnce(b, n, func(i int) error {
		return orders(c.lines[i], caucus.Command{"SUBSCRIBE", "caucus:g:" + group})
	})
	return c
}

// enter opens a session and joins, in a group that settles much later, since that is not what is measured.
func enter(addr, group string) (*nodetest.Line, error) {
	line, err := nodetest.Dial(addr)
	if err != nil {
		return nil, err
	}
	return line, orders(line, caucus.Command{"HELLO", "3"},
		caucus.Command{"SESSION", "OPEN", "TTL", patientTTL, "GRACE", "0"},
		caucus.Command{"GROUP", "JOIN", group, "SETTLE", "3600000"})
}

// orders has commands carried out, one after the other.
func orders(line *nodetest.Line, cmds ...caucus.Command) error {
	for _, cmd := range cmds {
		reply, err := line.Do(cmd...)
		if err == nil {
			err = reply.Err()
		}
		if err != nil {
			return fmt.Errorf("%v: %w", cmd, err)
		}
	}
	return nil
}

// atOnce does something n times at once, and ends the benchmark when one of them fails.
func atOnce(b testing.TB, n int, do func(i int) error) {
	b.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			b.Fatalf("%d of %d: %v", i, n, err)
		}
	}
}

// listen has each member's events, as JSON, and the other lines that it is sent handed to hear, each member's
// in its own goroutine, until the crowd disperses. What is heard is good only until hear returns.
func (c *crowd) listen(hear func(i int, event []byte) error) {
	for i, line := range c.lines {
		c.heard.Go(func() {
			lines := bufio.NewScanner(line.Conn)
			for lines.Scan() {
				if err := c.take(i, lines.Bytes(), hear); err != nil {
					c.fail(fmt.Errorf("member %d: %w", i, err))
				}
			}
			c.fail(fmt.Errorf("member %d hears nothing more: %w", i, lines.Err()))
		})
	}
}

// take takes a line: JSON has no line breaks in it, and nothing else here begins with a brace.
func (c *crowd) take(i int, line []byte, hear func(int, []byte) error) error {
	switch {
	case len(line) == 0:
		return nil
	case line[0] == '-':
		return caucus.ParseError(string(line[1:]))
	case line[0] == '{':
		return hear(i, line)
	}
	return nil
}

// says sends a command on a member's connection. Its answer is among what the member hears.
func (c *crowd) says(i int, buf []byte, words ...string) ([]byte, error) {
	buf = resp.AppendCommand(buf[:0], words)
	_, err := c.lines[i].Write(buf)
	return buf, err
}

func (c *crowd) fail(err error) {
	select {
	case <-c.closed:
	case c.wrong <- err:
	default:
	}
}

// await waits until something has happened to all of the crowd.
func (c *crowd) await(b testing.TB, what string, happened <-chan struct{}) {
	b.Helper()
	limit := time.NewTimer(nodetest.Patience)
	defer limit.Stop()
	select {
	case <-happened:
	case err := <-c.wrong:
		b.Fatal(err)
	case <-limit.C:
		b.Fatalf("not within %v: %s", nodetest.Patience, what)
	}
}

func (c *crowd) disperse() {
	close(c.closed)
	for _, line := range c.lines {
		if line != nil {
			line.Close()
		}
	}
	c.heard.Wait()
}

// isEvent says whether an event is of a kind.
func isEvent(event []byte, kind string) bool {
	rest, ok := bytes.CutPrefix(event, []byte(`{"event":"`))
	return ok && bytes.HasPrefix(rest, []byte(kind)) && len(rest) > len(kind) && rest[len(kind)] == '"'
}

// numberIn reads the digits that follow a mark in an event.
func numberIn(event []byte, mark string) (int, error) {
	_, rest, ok := bytes.Cut(event, []byte(mark))
	n := 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	if !ok || n == 0 {
		return 0, fmt.Errorf("no number after %s in %s", mark, event)
	}
	return strconv.Atoi(string(rest[:n]))
}
