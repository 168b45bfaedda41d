package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// leash is a guardian as its parent has it.
type leash struct {
	proc   *exec.Cmd
	in     *os.File
	orders *json.Encoder
	gone   chan struct{} // closed when the guardian is dead, and with it all that it guarded

	mu  sync.Mutex
	run *guarded // the one under way, nil when there is none
}

// guarded is one run of the command.
type guarded struct {
	mandate mandate // what it runs for
	asked   bool    // to end; guarded by the wrapper's mu
	started chan struct{}
	ended   chan struct{}
	group   int    // read after started
	report  report // read after ended
}

func newGuarded(c mandate) *guarded {
	return &guarded{mandate: c, started: make(chan struct{}), ended: make(chan struct{})}
}

// newLeash starts a guardian: this binary again.
func newLeash() (*leash, error) {
	in, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	reports, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), orders.Close())
	}
	l := &leash{in: orders, orders: json.NewEncoder(orders), gone: make(chan struct{})}
	l.proc = exec.Command("/proc/self/exe", "guard")
	l.proc.Stdin, l.proc.Stdout, l.proc.Stderr = os.Stdin, os.Stdout, os.Stderr
	l.proc.ExtraFiles = []*os.File{in, out}
	// A signal to the parent's group, such as Ctrl-C, is for the parent to pass on.
	l.proc.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = errors.Join(l.proc.Start(), in.Close(), out.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the guardian: %w", err), orders.Close(), reports.Close())
	}
	go l.hear(reports)
	return l, nil
}

// hear takes reports until the guardian has ended. Then what it guarded is killed from here.
func (l *leash) hear(reports *os.File) {
	defer close(l.gone)
	in := json.NewDecoder(reports)
	for {
		var r report
		if in.Decode(&r) != nil {
			break
		}
		l.take(r)
	}
	_ = reports.Close()
	_ = l.proc.Wait() // however it ended, it guards nothing any more
	l.mu.Lock()
	run := l.run
	l.mu.Unlock()
	if run != nil {
		bury(run.group)
		l.take(report{Ended: true, Late: true, Status: shellStatus(syscall.WaitStatus(syscall.SIGKILL))})
	}
}

func (l *leash) take(r report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.run == nil {
		return
	}
	if r.Started != 0 {
		l.run.group = r.Started
		close(l.run.started)
		return
	}
	l.run.report = r
	close(l.run.ended)
	l.run = nil
}

// start has the command started.
func (l *leash) start(run *guarded, o order) error {
	l.mu.Lock()
	l.run = run
	l.mu.Unlock()
	return l.tell(o)
}

// patience is how long a guardian may take to take an order. It reads them all the time, unless it is
// stopped.
const patience = time.Second

// tell gives an order. A guardian that does not take it is ended: half an order means nothing.
func (l *leash) tell(o order) error {
	err := l.in.SetWriteDeadline(time.Now().Add(patience))
	if err == nil {
		err = l.orders.Encode(o)
	}
	if err != nil {
		_ = l.proc.Process.Kill() // it may have ended already
	}
	return err
}

// kill ends the guardian and all that it guards, by force.
func (l *leash) kill() {
	_ = l.proc.Process.Kill() // it may have ended already
	<-l.gone
}

// dismiss lets the guardian go in good order.
func (l *leash) dismiss() error {
	_ = l.tell(order{Bye: true}) // or it is dead already, which is as good
	<-l.gone
	return l.in.Close()
}

// bury kills what a dead guardian left behind, which has become this process's own, and waits until it is
// dead.
func bury(group int) {
	for {
		killAll(group)
		_, err := syscall.Wait4(-1, nil, 0, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return // none is left
		}
	}
}
