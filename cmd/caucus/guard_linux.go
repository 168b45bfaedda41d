package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/clocks"
	"github.com/caucus-project/caucus/internal/lease"
)

// reading reads what all processes of this machine agree on (SAFETY A2).
func reading() lease.Reading { return lease.Reading(clocks.Read()) }

// guardian is the guardian's own state. One goroutine has it, on a thread of its own, because a child
// is killed with the thread that made it.
type guardian struct {
	orders  chan *order // nil when they have ended
	deaths  chan death
	reports *json.Encoder

	ensemble ensembleOrder
	session  string

	child  int  // also its process group; 0 while there is none
	over   bool // it has ended, and what came of it is being killed
	until  deadlines
	asked  time.Time // when it was asked to end; zero while it was not
	late   bool      // by a deadline
	status int
}

// death is what befell a child. The zero death says that there is none left.
type death struct {
	pid    int
	status syscall.WaitStatus
}

// Run guards until it is told to go or its orders end.
func (guardCmd) Run() error {
	runtime.LockOSThread()
	// A signal to the whole group, or a reader that has gone, must not end the guardian. They are not
	// ignored, because the command would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE,
		syscall.SIGTTOU, syscall.SIGTTIN, syscall.SIGTSTP)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("guard: subreaper: %w", err)
	}
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	g := &guardian{orders: make(chan *order), deaths: make(chan death),
		reports: json.NewEncoder(os.NewFile(4, "reports"))}
	go g.listen(json.NewDecoder(os.NewFile(3, "orders")))
	return g.guard()
}

func (g *guardian) listen(in *json.Decoder) {
	for {
		o := new(order)
		if err := in.Decode(o); err != nil {
			g.orders <- nil
			return
		}
		g.orders <- o
	}
}

// glance is how often a guardian looks at the clocks while a command runs: a timer does not count the
// time for which the machine was suspended.
const glance = 20 * time.Millisecond

func (g *guardian) guard() error {
	rhythm := time.NewTicker(glance)
	defer rhythm.Stop()
	for {
		tick := rhythm.C
		if g.child == 0 {
			tick = nil
		}
		select {
		case o := <-g.orders:
			switch {
			case o == nil:
				g.orphaned()
				return nil
			case o.Bye:
				return nil
			}
			if err := g.obey(o); err != nil {
				return err
			}
		case d := <-g.deaths:
			if err := g.note(d); err != nil {
				return err
			}
		case <-tick:
			g.look()
		}
	}
}

func (g *guardian) obey(o *order) error {
	if o.Ensemble != nil {
		g.ensemble = *o.Ensemble
	}
	if o.Session != "" {
		g.session = o.Session
	}
	if o.Until != nil {
		g.until = *o.Until
	}
	if o.Start != nil {
		return g.start(o.Start)
	}
	if o.Stop {
		g.ask()
	}
	if o.Signal != 0 && g.child != 0 {
		_ = syscall.Kill(g.child, syscall.Signal(o.Signal)) // it may be dead already, which will be reported
	}
	return nil
}

// start starts the command in a process group of its own.
func (g *guardian) start(o *startOrder) error {
	if lease.Elapsed(g.until.At, reading()) >= g.until.Term {
		return g.reports.Encode(report{Ended: true, Late: true})
	}
	pid, err := syscall.ForkExec(o.Path, o.Args, &syscall.ProcAttr{
		Env: o.Env, Files: []uintptr{0, 1, 2},
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return g.reports.Encode(report{Failed: err.Error(), Status: startStatus(err)})
	}
	g.child, g.over, g.asked, g.late = pid, false, time.Time{}, false
	go g.await()
	return g.reports.Encode(report{Started: pid})
}

// startStatus is what shells say of a command that cannot be started.
func startStatus(err error) int {
	if errors.Is(err, fs.ErrNotExist) {
		return 127
	}
	return 126
}

// await tells what befalls the children, those of dead children among them, until there is none.
func (g *guardian) await() {
	for {
		var d death
		pid, err := syscall.Wait4(-1, &d.status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			g.deaths <- death{}
			return
		}
		d.pid = pid
		g.deaths <- d
	}
}

func (g *guardian) note(d death) error {
	switch {
	case d.pid == 0:
		g.child = 0
		return g.reports.Encode(report{Ended: true, Late: g.late, Status: g.status})
	case d.status.Stopped():
		if d.status.StopSignal() == syscall.SIGTSTP { // a member does not sleep on its share
			_ = syscall.Kill(-g.child, syscall.SIGCONT)
		}
		return nil
	case d.pid == g.child:
		g.over, g.status = true, shellStatus(d.status)
	}
	if g.over {
		killAll(g.child) // what came of the command goes with it
	}
	return nil
}

func shellStatus(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// look asks the command to end, or kills it, when its time has come.
func (g *guardian) look() {
	passed := lease.Elapsed(g.until.At, reading())
	if g.asked.IsZero() && passed >= g.until.Term {
		g.say("no word from the ensemble: the command is stopped")
		g.late = true
		g.ask()
	}
	if passed >= g.until.Kill || !g.asked.IsZero() && time.Since(g.asked) >= stopTime {
		killAll(g.child)
	}
}

// ask asks the command to end. One that is stopped hears nothing before it goes on.
func (g *guardian) ask() {
	if g.child != 0 && g.asked.IsZero() {
		g.asked = time.Now()
		_ = syscall.Kill(-g.child, syscall.SIGTERM)
		_ = syscall.Kill(-g.child, syscall.SIGCONT)
	}
}

func (g *guardian) say(format string, args ...any) {
	if !g.ensemble.Quiet {
		fmt.Fprintf(os.Stderr, "caucus: "+format+"\n", args...)
	}
}

// orphaned does what the dead parent cannot do any more.
func (g *guardian) orphaned() {
	for g.child != 0 {
		killAll(g.child)
		if d := <-g.deaths; d.pid == 0 {
			g.child = 0
		}
	}
	if g.ensemble.Dir != "" {
		if err := os.RemoveAll(g.ensemble.Dir); err != nil {
			g.say("%v", err)
		}
	}
	if g.session == "" {
		return
	}
	// Its process has stopped, for certain, so that the successor need not wait (SAFETY B21).
	if err := g.closeSession(); err != nil {
		g.say("the session could not be closed and ends by itself: %v", err)
	}
}

func (g *guardian) closeSession() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	cfg := client.Config{Addrs: g.ensemble.Addrs, User: g.ensemble.User, Password: g.ensemble.Password}
	if err := g.ensemble.TLS.secure(&cfg); err != nil {
		return err
	}
	c, err := client.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do(ctx, caucus.Command{"SESSION", "CLOSE", g.session})
	return err
}

// killAll kills a process group, and the children of this process wherever they have moved to. Whoever
// they leave behind becomes a child of this process.
func killAll(group int) {
	if group > 0 { // 0 would be one's own
		_ = syscall.Kill(-group, syscall.SIGKILL) // that nobody is left is no error
	}
	for _, pid := range children() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// children gives this process's children.
func children() (pids []int) {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return nil // only a bad pattern
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended has none
		}
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
