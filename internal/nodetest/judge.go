package nodetest

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
)

// judge ends what still runs, and looks whether everybody behaved.
func (c *Cluster) judge() {
	c.t.Helper()
	for i, s := range c.nodes {
		p := s.now()
		if p == nil || !p.Running() {
			continue
		}
		if s.stopped {
			c.Resume(i)
		}
		c.end(i, p)
	}
	for i := range c.nodes {
		logs := c.Logs(i)
		for line := range strings.Lines(logs) {
			if !c.loud && strings.Contains(line, "level=ERROR") {
				c.t.Errorf("%s logged an error: %s", c.Name(i), line)
			}
		}
		if c.t.Failed() {
			c.t.Logf("%s said:\n%s", c.Name(i), logs[max(0, len(logs)-8000):])
		}
	}
}

// end stops a node in good order, and in any case.
func (c *Cluster) end(i int, p *Process) {
	c.t.Helper()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		c.t.Errorf("SIGTERM to %s: %v", c.Name(i), err)
	}
	status, err := p.Status(10 * time.Second)
	if err == nil && status == 0 {
		return
	}
	c.t.Errorf("%s ended with status %d, %v", c.Name(i), status, err)
	if err := p.Signal(syscall.SIGKILL); err != nil {
		c.t.Error(err)
	}
	if _, err := p.Status(Patience); err != nil {
		c.t.Error(err)
	}
}

// Agree compares what all running nodes have: every key with its value, as each has it itself once it has
// applied all that the leader had.
func (c *Cluster) Agree() {
	c.t.Helper()
	first, want := -1, ""
	for i := range c.nodes {
		if !c.runs(i) {
			continue
		}
		got, err := c.contents(i)
		if err != nil {
			c.t.Fatalf("reading everything from %s: %v", c.Name(i), err)
		}
		if first < 0 {
			first, want = i, got
		}
		if got != want {
			c.t.Errorf("%s and %s differ:\n%s\n\n%s", c.Name(first), c.Name(i), want, got)
		}
	}
}

// contents reads all keys of one node from its own state, after a linearizable read has brought
// that up to date.
func (c *Cluster) contents(i int) (string, error) {
	line, err := c.Dial(i)
	if err != nil {
		return "", err
	}
	defer line.Close()
	keys, err := ask(line, "KEYS", "*")
	if err != nil {
		return "", err
	}
	if _, err := ask(line, "READONLY"); err != nil {
		return "", err
	}
	var all strings.Builder
	for _, key := range keys.Items {
		value, err := whole(line, key.Str)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "%q = %q %q\n", key.Str, value.Text(), texts(value.Items))
	}
	return all.String(), nil
}

func texts(items []caucus.Reply) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = item.Text()
	}
	return all
}

// whole reads all that a key holds.
func whole(line *Line, key string) (caucus.Reply, error) {
	kind, err := ask(line, "TYPE", key)
	if err != nil {
		return kind, err
	}
	switch kind.Str {
	case "hash":
		return ask(line, "HGETALL", key)
	case "set":
		return ask(line, "SMEMBERS", key)
	case "zset":
		return ask(line, "ZRANGE", key, "0", "-1", "WITHSCORES")
	case "list":
		return ask(line, "LRANGE", key, "0", "-1")
	}
	return ask(line, "GET", key)
}

// ask gives a reply that is no error.
func ask(line *Line, words ...string) (caucus.Reply, error) {
	reply, err := line.Do(words...)
	if err == nil {
		err = reply.Err()
	}
	return reply, err
}
