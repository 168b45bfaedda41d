package load

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// caller is one connection and who sits at it.
type caller struct {
	*run
	number int
	mu     sync.Mutex // guards report
	report *Report
	inside bool // of its group, if all that was sent is carried out
	rng    *rand.Rand
	next   int // address to dial next

	conn    net.Conn // nil while there is none
	release func() bool
	replies *resp.ReplyReader
	buf     []byte
	reads   []bool // of the pipeline in flight: which of its commands are GET
}

func newCaller(r *run, i int, report *Report) *caller {
	return &caller{run: r, number: i, report: report, next: i % len(r.cfg.Addresses),
		rng: rand.New(rand.NewPCG(r.cfg.Seed, uint64(i)))}
}

// work is the life of a caller. A connection that cannot be made, or breaks, is tried at the next address.
func (c *caller) work(ready *sync.WaitGroup) {
	connected := c.connect()
	ready.Done()
	<-c.start
	defer c.hangUp()
	for n := c.take(); n > 0; n = c.take() {
		if !connected {
			c.wait()
			connected = c.connect()
			c.budget.Add(int64(n)) // not sent: somebody else may
			continue
		}
		if connected = c.pipeline(n); !connected {
			c.hangUp()
		}
	}
}

// wait lets a node that is gone come back.
func (c *caller) wait() {
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

func (c *caller) connect() bool {
	address := c.cfg.Addresses[c.next]
	c.next = (c.next + 1) % len(c.cfg.Addresses)
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.Patience)
	defer cancel()
	conn, err := c.cfg.Dial(ctx, "tcp", address)
	if err != nil {
		c.failed(Dial, 1)
		return false
	}
	c.conn, c.replies = conn, resp.NewReplyReader(conn, resp.Limits{})
	c.release = context.AfterFunc(c.ctx, func() { conn.Close() }) // the run is over: nobody waits any more
	if err := c.prove(); err != nil {
		c.failed(wordOf(err), 1)
		c.hangUp()
		return false
	}
	return true
}

// prove logs in, when there is a user or password, and opens a session where the load needs one.
func (c *caller) prove() error {
	c.inside = false
	if c.cfg.User != "" || c.cfg.Password != "" {
		if err := c.ask("AUTH", cmp.Or(c.cfg.User, "default"), c.cfg.Password); err != nil {
			return err
		}
	}
	if c.cfg.Shape == Churn || c.cfg.Shape == Heartbeats {
		return c.ask("SESSION", "OPEN", "GRACE", "0")
	}
	return nil
}

func (c *caller) ask(words ...string) error {
	c.buf = resp.AppendCommand(c.buf[:0], words)
	if err := c.send(); err != nil {
		return err
	}
	reply, err := c.replies.Read()
	if err != nil {
		return err
	}
	return reply.Err()
}

func wordOf(err error) string {
	var said *caucus.Error
	if errors.As(err, &said) {
		return said.Word
	}
	return Lost
}

func (c *caller) hangUp() {
	if c.conn != nil {
		c.release()
		c.conn.Close() // what it says tells nobody anything
		c.conn = nil
	}
}

// send writes what is in the buffer.
func (c *caller) send() error {
	if err := c.conn.SetDeadline(time.Now().Add(c.cfg.Patience)); err != nil {
		return err
	}
	_, err := c.conn.Write(c.buf)
	return err
}

// pipeline sends n commands and takes their replies. It says whether the connection still stands.
func (c *caller) pipeline(n int) bool {
	c.buf, c.reads = c.buf[:0], c.reads[:0]
	for range n {
		c.command()
	}
	begun := time.Now()
	if c.send() != nil {
		c.failed(Lost, n)
		return false
	}
	for i := range n {
		reply, err := c.replies.Read()
		if err != nil {
			c.failed(Lost, n-i)
			return false
		}
		if reply.Kind == caucus.KindError {
			word, _, _ := strings.Cut(reply.Str, " ")
			c.failed(word, 1)
			continue
		}
		c.mu.Lock()
		c.report.answered(time.Since(begun), c.reads[i])
		c.mu.Unlock()
	}
	return true
}

func (c *caller) failed(word string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Errors[word] += uint64(n)
}

// command adds one command to the buffer.
func (c *caller) command() {
	switch c.cfg.Shape {
	case Store:
		c.keyed()
	case Counters:
		c.add(false, "INCR", c.key())
	case Heartbeats:
		c.add(true, "SESSION", "KEEPALIVE")
	case Churn:
		group := strings.Trim(strings.ReplaceAll(c.cfg.Prefix, ":", "-")+strconv.Itoa(c.number), "/")
		if c.inside = !c.inside; c.inside {
			c.add(false, "GROUP", "JOIN", group, "SETTLE", "0")
		} else {
			c.add(false, "GROUP", "LEAVE", group)
		}
	}
}

func (c *caller) add(read bool, words ...string) {
	c.reads = append(c.reads, read)
	c.buf = resp.AppendCommand(c.buf, words)
}

// keyed adds a GET or a SET, without making anything that must be collected.
func (c *caller) keyed() {
	read := c.rng.IntN(100) < c.cfg.Reads
	c.reads = append(c.reads, read)
	args := [3]string{"SET", c.key(), c.value}
	if read {
		args[0] = "GET"
		c.buf = resp.AppendCommand(c.buf, args[:2])
		return
	}
	c.buf = resp.AppendCommand(c.buf, args[:])
}

// key draws a key and writes its number in the key's size.
func (c *caller) key() string {
	return c.cfg.Key(c.rng.IntN(c.cfg.Keys))
}
