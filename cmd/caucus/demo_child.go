package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
)

// nursery starts the demo's processes and ends them all. Linux kills a child with the thread that made it,
// not with the process, so one thread makes them all and lives as long as they.
type nursery struct {
	binary string
	births chan func()
	ended  chan struct{}

	mu       sync.Mutex
	children []*child
}

// child is a process of the demo's own binary.
type child struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	log    string        // file with what it wrote on standard error
	gone   chan struct{} // closed when it has ended
	killed bool          // by the demo, as part of the show
}

func newNursery() (*nursery, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this binary to start it again: %w", err)
	}
	n := &nursery{binary: binary, births: make(chan func()), ended: make(chan struct{})}
	go func() {
		defer close(n.ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for birth := range n.births {
			birth()
		}
	}()
	return n, nil
}

// start starts a child. Its standard error goes to the file log.
func (n *nursery) start(name, log string, args ...string) (c *child, err error) {
	done := make(chan struct{})
	n.births <- func() {
		defer close(done)
		c, err = n.bear(name, log, args)
	}
	<-done
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

func (n *nursery) bear(name, log string, args []string) (*child, error) {
	c := &child{name: name, cmd: exec.Command(n.binary, args...), log: log, gone: make(chan struct{})}
	c.cmd.SysProcAttr = childAttr()
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	c.cmd.Stderr = file
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.cmd.Stdout = write
	err = c.cmd.Start()
	_ = write.Close() // the child has its own
	if err != nil {
		_ = read.Close()
		return nil, err
	}
	c.out = bufio.NewScanner(read)
	go func() {
		_ = c.cmd.Wait() // how it ended is told by what it did not do
		close(c.gone)
	}()
	n.mu.Lock()
	n.children = append(n.children, c)
	n.mu.Unlock()
	return c, nil
}

// kill is kill -9, by process id. It says when.
func (c *child) kill() (int64, error) {
	c.killed = true
	at := ticks()
	if err := c.cmd.Process.Kill(); err != nil {
		return at, fmt.Errorf("kill %s: %w", c.name, err)
	}
	return at, nil
}

// end kills whoever still lives and waits for them.
func (n *nursery) end() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var wrong error
	for _, c := range n.children {
		if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			wrong = errors.Join(wrong, fmt.Errorf("end %s: %w", c.name, err))
		}
	}
	for _, c := range n.children {
		<-c.gone
	}
	close(n.births)
	<-n.ended
	return wrong
}

// lastWords gives the end of what a child wrote on standard error.
func (c *child) lastWords() string {
	text, err := os.ReadFile(c.log)
	if err != nil || len(text) == 0 {
		return "it said nothing"
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}
