package procs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// Process is a program under way. It dies with the one that started it.
type Process struct {
	cmd  *exec.Cmd
	said tail
	out  *bufio.Scanner
	gone chan struct{} // closed when it has ended
}

// Start starts a program. It gets no signal from the terminal, so that Ctrl-C leaves its end to Stop.
func Start(path string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(path, args...), gone: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = &p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(io.TeeReader(out, &p.said))
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return p, nil
}

// Await waits until the process writes a line with a mark in it on its standard output, and gives that
// line. It is called once for each process.
func (p *Process) Await(ctx context.Context, mark string) (string, error) {
	found := make(chan string, 1)
	go p.listen(mark, found)
	select {
	case line := <-found:
		return line, nil
	case <-p.gone:
		return "", fmt.Errorf("%s ended before it was ready:\n%s", p.cmd.Path, p.said.String())
	case <-ctx.Done():
		return "", fmt.Errorf("%s was not ready in time: %w\n%s", p.cmd.Path, ctx.Err(), p.said.String())
	}
}

// listen reads all that the process says, so that it never waits for a reader, and then waits for its end.
func (p *Process) listen(mark string, found chan<- string) {
	for told := false; p.out.Scan(); {
		if !told && strings.Contains(p.out.Text(), mark) {
			told = true
			found <- p.out.Text()
		}
	}
	_ = p.cmd.Wait() // how it ended is known to whoever ended it
	close(p.gone)
}

// ID is the process id.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Signal sends a signal; to a process that has ended it does nothing.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Stop ends the process as a crash does, and waits until it has ended: what it leaves behind is nobody's
// any more. Await was called before.
func (p *Process) Stop() {
	_ = p.Signal(syscall.SIGKILL) // it is ours, and when it is gone already all is well
	<-p.gone
}

// StopAll stops several at once.
func StopAll(list []*Process) {
	var all sync.WaitGroup
	for _, p := range list {
		all.Go(p.Stop)
	}
	all.Wait()
}

// tail keeps the last few kilobytes that are written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const kept = 4 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if extra := len(t.text) - kept; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(b), nil
}

// String gives what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
