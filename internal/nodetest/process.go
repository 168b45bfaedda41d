package nodetest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is one run of the binary, or of another program.
type Process struct {
	cmd   *exec.Cmd
	log   Transcript
	ready chan struct{} // closed when it has said so
	gone  chan struct{} // closed when it has ended
	line  string        // its ready line; read after ready
}

// Run starts the binary with arguments, "serve" and so on, and does not wait for anything. The
// caller ends it.
func Run(args ...string) (*Process, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	return start(exec.Command(path, args...))
}

func start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, ready: make(chan struct{}), gone: make(chan struct{})}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.listen(bufio.NewScanner(out))
		_ = p.cmd.Wait() // its outcome stands in ProcessState
		close(p.gone)
	}()
	return p, nil
}

// RunInto starts a program, as Run does, that writes all it says to a file. When several write to one file
// that was opened for appending, it shows in which order they said what.
func RunInto(file *os.File, path string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(path, args...), ready: make(chan struct{}), gone: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = file, file
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // its outcome stands in ProcessState
		close(p.gone)
	}()
	return p, nil
}

func (p *Process) listen(lines *bufio.Scanner) {
	for said := false; lines.Scan(); {
		if !said && strings.HasPrefix(lines.Text(), "ready ") {
			said, p.line = true, lines.Text()
			close(p.ready)
		}
	}
}

// Serving waits until the process says that it serves.
func (p *Process) Serving() error {
	select {
	case <-p.ready:
		return nil
	case <-p.gone:
		return fmt.Errorf("it ended with status %d:\n%s", p.cmd.ProcessState.ExitCode(), p.Log())
	case <-time.After(Patience):
		return fmt.Errorf("it does not get ready:\n%s", p.Log())
	}
}

// Ready gives the line with which the process said that it serves, "" before.
func (p *Process) Ready() string {
	select {
	case <-p.ready:
		return p.line
	default:
		return ""
	}
}

// Running says whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// Signal sends a signal. To a process that has ended it does nothing. When it returns after SIGSTOP, every
// thread of the process stands still: kill(2) returns before that, and what is asked of the process meanwhile
// may still be answered.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if s != syscall.SIGSTOP {
		return nil
	}
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ECHILD): // it has ended
			return nil
		default:
			return err
		}
	}
}

// Status waits until the process has ended, and gives its exit status, -1 when a signal ended it.
func (p *Process) Status(within time.Duration) (int, error) {
	select {
	case <-p.gone:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(within):
		return 0, fmt.Errorf("it has not ended within %v:\n%s", within, p.Log())
	}
}

// Log gives what the process has written to stderr.
func (p *Process) Log() string { return p.log.String() }

// Transcript is a writer that can be read meanwhile. The zero value is empty.
type Transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (t *Transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

// String gives all that was written.
func (t *Transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
