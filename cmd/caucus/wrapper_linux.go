package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// wrapping says what to wrap, and how.
type wrapping struct {
	group   string
	flags   *wrapFlags
	join    client.JoinOptions
	mandate func(client.Holding) (mandate, bool) // what there is to run for, if anything
	signal  syscall.Signal                       // tells the command of a change; 0: it is started anew
	once    bool                                 // the command is not started again when it was stopped
}

// wrapper is a member that runs a command while it may. It never does so by itself: that is the
// guardian's part, which can still stop the command when the wrapper cannot (SAFETY C6).
type wrapper struct {
	wrapping
	name     string
	path     string // of the command
	client   *client.Client
	session  *client.Session
	member   *client.Member
	terminal terminal
	file     *toldFile // nil unless the command is told by a signal

	mu    sync.Mutex // one at a time starts and stops; held while it takes
	leash *leash     // nil while there is none
	run   *guarded   // the one that was started last, until its end was seen
	idle  bool       // it was said that slots are nobody's work
	// signalled is the signal that ends the member, once there was one.
	signalled error
}

// wrap is the member until the command ends by itself, or a signal ends it.
func wrap(ctx context.Context, what wrapping) (err error) {
	path, err := exec.LookPath(what.flags.Cmd[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return &exitStatus{lookStatus(err), err}
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a reader that has gone must not end it
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return &exitStatus{exitWrapper, fmt.Errorf("subreaper: %w", err)}
	}
	w := &wrapper{wrapping: what, name: what.flags.name(), path: path}
	defer func() { err = errors.Join(err, w.dismiss()) }()
	if w.client, err = what.flags.dial(ctx); err != nil {
		return &exitStatus{exitWrapper, err}
	}
	defer w.client.Close()
	if w.signal != 0 {
		if w.file, err = newToldFile(); err != nil {
			return &exitStatus{exitWrapper, err}
		}
		defer func() { err = errors.Join(err, w.file.remove()) }()
	}
	w.terminal = ownTerminal()
	return w.serve(ctx)
}

func lookStatus(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return 127
	}
	return 126
}

// serve is a member through all its sessions.
func (w *wrapper) serve(ctx context.Context) error {
	for again := false; ; again = true {
		if err := w.enter(ctx, again); err != nil {
			if ctx.Err() != nil {
				return ended(ctx)
			}
			return &exitStatus{exitWrapper, err}
		}
		over, err := w.sit(ctx)
		w.mu.Lock()
		w.signalled = context.Cause(ctx)
		w.mu.Unlock()
		if closed := w.session.Close(); closed != nil {
			w.say("the session ends by itself: %v", closed)
		}
		last := w.last()
		switch {
		case over && err != nil:
			return err
		case last != nil && (ctx.Err() != nil || last.byItself()):
			return &exitStatus{last.report.Status, nil}
		case ctx.Err() != nil:
			return ended(ctx)
		case last != nil && w.once:
			return errStopped
		}
		w.say("%v; joining anew", w.member.Err())
	}
}

// ended is the end by a signal while no command ran: as if that had had it.
func ended(ctx context.Context) error {
	status := syscall.SIGTERM
	if strings.HasPrefix(context.Cause(ctx).Error(), os.Interrupt.String()) {
		status = syscall.SIGINT
	}
	return &exitStatus{128 + int(status), nil}
}

// enter opens a session and joins. At first it fails when that cannot be done; a member that was there
// goes on trying, also while its old self has not ended yet.
func (w *wrapper) enter(ctx context.Context, again bool) error {
	complained := false
	for {
		err := w.tryEnter(ctx)
		if err == nil || !again || !passes(err) || ctx.Err() != nil {
			return err
		}
		if !complained {
			complained = true
			w.say("trying to join: %v", err)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *wrapper) tryEnter(ctx context.Context) error {
	session, err := w.client.Session(ctx, client.SessionOptions{TTL: w.flags.TTL, Grace: w.flags.grace()})
	if err != nil {
		return err
	}
	w.session = session
	join := w.join
	join.Name, join.Metadata, join.OnRevoke = w.name, w.flags.Meta, w.revoked
	if join.Slots > 0 { // which are all that it works by
		join.OnRevoke, join.OnRelease = nil, func(ctx context.Context, _ []int) { w.revoked(ctx) }
	}
	member, err := session.Join(ctx, w.group, join)
	if err != nil {
		return errors.Join(err, session.Close())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.member = member
	if w.leash != nil && w.leash.tell(order{Session: session.ID()}) != nil {
		w.unleash()
	}
	return nil
}

// unleash lets go of a guardian that was killed; the next run gets another. The caller holds mu.
func (w *wrapper) unleash() {
	w.leash.kill()
	w.say("the guardian was killed, and whatever it guarded with it")
	_ = w.leash.in.Close() // nobody reads it
	w.leash = nil
}

// sit is a member of one session. It says whether that was all.
func (w *wrapper) sit(ctx context.Context) (over bool, err error) {
	rhythm := time.NewTicker(w.flags.grace() / 20)
	defer rhythm.Stop()
	for {
		changed := w.member.Changed()
		if w.member.Err() != nil {
			return false, nil
		}
		if err := w.adapt(); err != nil {
			return true, &exitStatus{exitWrapper, err}
		}
		var end chan struct{}
		if w.run != nil {
			end = w.run.ended
		}
		select {
		case <-changed:
		case <-rhythm.C:
		case <-end:
			if over, err := w.reap(); over {
				return true, err
			}
		case <-ctx.Done():
			return true, nil
		}
	}
}

// adapt brings the command in line with what the member holds.
func (w *wrapper) adapt() error {
	at := reading() // before what is counted from it
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.member.Holding()
	mandate, ok := w.mandate(h)
	w.sayIdle(h, mandate)
	until := deadlinesOf(at, h.Left, h.Promise)
	switch {
	case w.run == nil && ok && until.Term > 0:
		return w.start(mandate, until)
	case w.run == nil || w.run.over():
		return nil
	case !ok && w.signal == 0: // OnRevoke sees to it, if it is not given back
		return nil
	case ok && !mandate.same(w.run.mandate) && w.signal == 0:
		w.stop(h.Left)
		return nil
	case ok && !mandate.same(w.run.mandate):
		w.run.mandate = mandate
		w.tell(mandate)
	}
	if h.Left > 0 {
		_ = w.leash.tell(order{Until: until}) // a dead guardian is seen by its run's end
	}
	return nil
}

// sayIdle says once that the group has slots, and those of this member are nobody's work. The caller holds
// mu.
func (w *wrapper) sayIdle(h client.Holding, c mandate) {
	if c.Index == 0 || len(h.Slots) == 0 || w.idle {
		return
	}
	w.idle = true
	w.say("the group has slots: without --slots nobody works on those of this member, %s",
		caucus.SlotRanges(h.Slots))
}

// over says whether the run's end was reported.
func (r *guarded) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// start has the command run for a mandate. When the guardian is found dead, what should run is started by
// another, at the next look. The caller holds mu.
func (w *wrapper) start(c mandate, until *deadlines) error {
	if w.leash == nil {
		leash, err := newLeash()
		if err != nil {
			return err
		}
		w.leash = leash
		w.terminal.held()
		to := &ensembleOrder{Addrs: w.client.Addrs(), User: w.flags.User, Quiet: w.flags.Quiet,
			TLS: w.flags.tlsFlags}
		if to.Password, err = readPassword(w.flags.PasswordFile); err != nil {
			return err
		}
		if w.file != nil {
			to.Dir = w.file.dir
		}
		if err := leash.tell(order{Ensemble: to, Session: w.session.ID()}); err != nil {
			return fmt.Errorf("the guardian: %w", err)
		}
	}
	told := c.env(w.group, w.member.Name())
	if w.file != nil {
		if err := w.file.write(told); err != nil {
			return err
		}
		told = append(told, "CAUCUS_FILE="+w.file.path())
	}
	w.say("%v", c)
	run := newGuarded(c)
	w.run = run
	err := w.leash.start(run, order{Until: until, Start: &startOrder{w.path, w.flags.Cmd, withEnv(told)}})
	if err != nil {
		w.run = nil
		w.unleash()
		return nil
	}
	select {
	case <-run.started:
		w.terminal.lend(run.group)
		_ = w.leash.tell(order{Signal: int(syscall.SIGCONT)}) // if it read too early
	case <-run.ended:
	case <-w.leash.gone:
		if !run.over() { // it had died before it was given this run, which nobody reports on
			w.run = nil
			w.unleash()
		}
	case <-time.After(time.Duration(until.Kill) * time.Microsecond):
		w.leash.kill() // it does not answer, and must not start anything later
	}
	return nil
}

// revoked is the member's OnRevoke or OnRelease. Only slots that are asked for leave time without a deadline.
func (w *wrapper) revoked(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.run == nil || w.run.over() {
		return
	}
	mandate, ok := w.mandate(w.member.Holding())
	if ok && mandate.same(w.run.mandate) {
		return // something else was taken away
	}
	if w.signal != 0 && w.member.Err() == nil {
		w.run.mandate = mandate
		w.tell(mandate)
		return
	}
	why := "its share is taken away"
	if err := cmp.Or(w.signalled, w.member.Err()); err != nil {
		why = err.Error()
	}
	w.say("stopping the command: %s", why)
	left := 2 * stopTime
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	} else if ctx.Err() != nil {
		left = 0
	}
	w.stop(left)
}

// stop ends the command and all that came of it, and returns when it is dead, within the time that is
// left of belief. The caller holds mu.
func (w *wrapper) stop(left time.Duration) {
	run := w.run
	run.asked = true
	_ = w.leash.tell(order{Stop: true}) // a dead guardian is seen by its run's end
	// The guardian kills it after 10 s, or at 90 % of the promise; should it be stopped itself, it dies
	// soon after.
	timer := time.NewTimer(min(left*95/100, stopTime+time.Second))
	defer timer.Stop()
	select {
	case <-run.ended:
	case <-timer.C:
		w.leash.kill()
	}
}

// tell lets a command that goes on know what it holds now. The caller holds mu.
func (w *wrapper) tell(c mandate) {
	said := c.String()
	switch {
	case said != "":
	case w.join.Slots > 0:
		said = "no slots"
	default:
		said = "settling"
	}
	w.say("%s", said)
	if err := w.file.write(c.env(w.group, w.member.Name())); err != nil {
		w.say("%v; the command is stopped", err)
		w.stop(0)
		return
	}
	_ = w.leash.tell(order{Signal: int(w.signal)}) // a dead guardian is seen by its run's end
}

// reap looks at how a run ended: by itself, which is the end of the verb, or because it was made to.
func (w *wrapper) reap() (over bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	run := w.run
	w.run = nil
	w.terminal.takeBack()
	select {
	case <-w.leash.gone:
		w.unleash()
	default:
	}
	switch r := run.report; {
	case r.Failed != "":
		return true, &exitStatus{r.Status, fmt.Errorf("%s: %s", w.path, r.Failed)}
	case run.byItself():
		return true, &exitStatus{r.Status, nil}
	case w.once:
		return true, errStopped
	}
	return false, nil
}

// errStopped is the end of a verb whose command had to be stopped, and may not be started again.
var errStopped = &exitStatus{exitWrapper, errors.New("what the command ran for was lost, so it was stopped")}

// byItself says whether a run ended that nobody had end.
func (r *guarded) byItself() bool { return !r.asked && !r.report.Late }

// last gives the run that was under way when the session was closed, nil for none.
func (w *wrapper) last() *guarded {
	w.mu.Lock()
	defer w.mu.Unlock()
	run := w.run
	if run == nil || !run.over() {
		return nil
	}
	w.run = nil
	return run
}

func (w *wrapper) dismiss() error {
	w.terminal.takeBack()
	if w.leash == nil {
		return nil
	}
	return w.leash.dismiss()
}

func (w *wrapper) say(format string, args ...any) {
	if !w.flags.Quiet {
		fmt.Fprintf(os.Stderr, "caucus: "+format+"\n", args...)
	}
}
