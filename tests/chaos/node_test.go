//go:build linux

package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// node is a place with a directory and the process that serves from it, through all its starts. Faults
// take it from the field before they touch it and give it back, so one at a time acts on it.
type node struct {
	f    *field
	name string
	at   *place
	dir  string // --data, on a disk of its own

	frail  bool             // it may end by itself when it is started; the fault's that has taken the node
	clocks *nodetest.Clocks // of its machine

	taken bool // by a fault; under the field's lock

	mu   sync.Mutex
	proc *nodetest.Process // the present one, nil before the first start
	ends bool              // it was asked to end, or is allowed to
}

// addr gives the address of the RESP door.
func (n *node) addr() string { return n.at.addr + ":5010" }

// start launches the node, in its directory and place, and does not wait until it serves.
func (n *node) start() error { return n.launch(nil) }

// launch starts the node; after another process, only if no fault has had its hands on the node since.
func (n *node) launch(after *nodetest.Process) error {
	log, err := os.OpenFile(n.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	args := []string{n.clocks.Env(), n.f.binary, "serve", "--id", n.name, "--data", n.dir, "--listen", n.addr(),
		"--peer-listen", n.at.addr + ":5011", "--http", n.at.addr + ":8989", "--password-file", n.f.secret()}
	args = append(append(args, n.f.joining(n)...), n.f.flags...)
	return n.at.enter(func() error {
		n.mu.Lock()
		defer n.mu.Unlock()
		if after != nil && (n.proc != after || n.ends) {
			return nil
		}
		p, err := nodetest.RunInto(log, "env", args...)
		if err != nil {
			return err
		}
		n.proc, n.ends = p, n.frail
		n.f.watching.Go(func() { n.watch(p) })
		return nil
	})
}

// forever is longer than any run.
const forever = 1000 * time.Hour

// uncounted is what a node says that is started on a full disk.
const uncounted = "this start cannot be counted"

// watch waits for the end of a process, which must have been asked for. What ends since it was started on a
// full disk is started again, as by a supervisor, until there is room.
func (n *node) watch(p *nodetest.Process) {
	status, err := p.Status(forever)
	if said := strings.TrimSpace(n.tail()); status > 0 && strings.HasSuffix(said, syscall.ENOSPC.Error()) &&
		strings.Contains(said[strings.LastIndexByte(said, '\n')+1:], uncounted) {
		time.Sleep(200 * time.Millisecond)
		if err := n.launch(p); err != nil {
			n.f.violated("%s is not started again: %w", n.name, err)
		}
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == p && !n.ends { // else it was asked to end, or killed and another has taken its place
		n.f.violated("%s ended by itself, with status %d, %v", n.name, status, err)
	}
}

// mayEnd lets the present process end as it likes.
func (n *node) mayEnd() *nodetest.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ends = true
	return n.proc
}

// started says whether the node was ever started.
func (n *node) started() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc != nil
}

// running says whether there is a process that has not ended.
func (n *node) running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc != nil && n.proc.Running()
}

// kill ends the process as kill -9 does, and waits until it is gone.
func (n *node) kill() error {
	p := n.mayEnd()
	if p == nil {
		return nil
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_, err := p.Status(nodetest.Patience)
	return err
}

// terminate asks the process to end, which it must do within a time and with status 0; but one that was
// started a moment ago may not have begun to listen for that yet, and then the signal itself ends it.
func (n *node) terminate() error {
	p := n.mayEnd()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	status, err := p.Status(nodetest.Patience)
	if err == nil && status > 0 {
		err = fmt.Errorf("%s was asked to end and did so with status %d", n.name, status)
	}
	return err
}

// pause makes the process stand still; resume lets it go on.
func (n *node) pause() error  { return n.signal(syscall.SIGSTOP) }
func (n *node) resume() error { return n.signal(syscall.SIGCONT) }

func (n *node) signal(s syscall.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc.Signal(s)
}

// wipe removes the directory of a node that is down, as a lost disk does.
func (n *node) wipe() error { return os.RemoveAll(n.dir) }

// ask carries out one command at this node, from the desk.
func (n *node) ask(words ...string) (caucus.Reply, error) {
	line, err := n.f.lineFrom(n.f.desk, n)
	if err != nil {
		return caucus.Reply{}, err
	}
	defer line.Close()
	defer time.AfterFunc(8*time.Second, func() { line.Close() }).Stop() // a paused node says nothing
	reply, err := line.Do(words...)
	if err == nil {
		err = reply.Err()
	}
	return reply, err
}

// standing asks the node for its INFO json.
func (n *node) standing() (s nodetest.Standing, err error) {
	reply, err := n.ask("INFO", "json")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(reply.Text()), &s)
}

// votes waits until the node is a voter; that may take as long as other faults hinder it.
func (n *node) votes() error {
	return n.f.until(n.name+" votes", func() bool {
		s, err := n.standing()
		return err == nil && !s.Learner
	})
}

func (n *node) logPath() string { return filepath.Join(n.f.dir, n.name+".log") }

// complaints gives the lines that the node logged as errors, and notes a violation where it says that it is
// itself at fault: a panic, or what the race detector finds in a node that was built with it.
func (n *node) complaints() (lines []string) {
	text, err := os.ReadFile(n.logPath())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		n.f.violated("%w", err)
	}
	for line := range strings.Lines(string(text)) {
		for _, fault := range []string{"panic:", "fatal error:", "WARNING: DATA RACE"} {
			if strings.HasPrefix(line, fault) {
				n.f.violated("%s logged %s", n.name, line)
			}
		}
		if strings.Contains(line, "level=ERROR") {
			lines = append(lines, n.name+" "+strings.TrimSpace(line))
		}
	}
	return lines
}

// tail gives the end of what the node has said.
func (n *node) tail() string {
	text, err := os.ReadFile(n.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-6000):])
}
