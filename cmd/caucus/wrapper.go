package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// exitStatus is how a verb ends that ends as its command did, or could not run it.
type exitStatus struct {
	status int
	err    error // said, unless nil
}

func (e *exitStatus) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitStatus) Unwrap() error { return e.err }

// exitWrapper is the status when caucus itself failed, not the command (WIRE "Command line").
const exitWrapper = 125

// wrapFlags are what join, elect and lock have in common.
type wrapFlags struct {
	ensembleFlags
	Cmd   []string       `arg:"" name:"cmd" help:"The command and its arguments, after --."`
	As    string         `help:"Name of the member; by default HOST-PID." placeholder:"NAME"`
	Meta  string         `help:"Shown to the members of the group." placeholder:"JSON"`
	TTL   time.Duration  `default:"10s" help:"How long the ensemble waits for a sign of life. Half of it without one, and the command is told to end; at 90% it is killed."`
	Grace *time.Duration `help:"How long the member lives on when its connection is lost; by default as long as --ttl. The shorter of the two counts." placeholder:"10s"`
	Quiet bool           `short:"q" help:"Say nothing on standard error but what went wrong."`
}

// shortestPromise leaves the guardian's clocks 80 ms between the kill and the end of belief.
const shortestPromise = time.Second

// grace is --grace, or --ttl when only that, or neither, was stated.
func (f *wrapFlags) grace() time.Duration {
	if f.Grace == nil {
		return f.TTL
	}
	return *f.Grace
}

// Validate looks at what can be judged before anything is done; kong calls it.
func (f *wrapFlags) Validate() error {
	switch {
	case f.As != "" && !caucus.ValidMember(f.As):
		return fmt.Errorf("--as: %q is no name of a member: letters, digits, and . _ - : / @", f.As)
	case f.TTL < shortestPromise:
		return fmt.Errorf("--ttl must be %v at least, not %v", shortestPromise, f.TTL)
	case f.grace() < shortestPromise:
		return fmt.Errorf("--grace must be %v at least, not %v", shortestPromise, f.grace())
	case f.grace() > f.TTL:
		return fmt.Errorf("--grace must be --ttl (%v) at most, not %v", f.TTL, f.grace())
	}
	return nil
}

// groupName is the name of a group on the command line.
type groupName string

// Validate looks at what was given; kong calls it.
func (g groupName) Validate() error {
	if caucus.ValidGroup(string(g)) {
		return nil
	}
	return fmt.Errorf("%q is no name of a group: letters, digits, and . _ - / between them", string(g))
}

// name gives the member's name: HOST-PID unless stated.
func (f *wrapFlags) name() string {
	if f.As != "" {
		return f.As
	}
	host, err := os.Hostname()
	if err != nil || !caucus.ValidMember(host) {
		host = "host"
	}
	return host + "-" + strconv.Itoa(os.Getpid())
}

// passes says whether what kept a member from joining anew passes by itself: nobody leads, its old self has
// not ended yet, the disks or the memory are full.
func passes(err error) bool {
	return slices.ContainsFunc([]error{caucus.ErrTryAgain, caucus.ErrLoading, caucus.ErrUncertain,
		caucus.ErrConflict, caucus.ErrNoSpace, caucus.ErrOutOfMemory},
		func(word error) bool { return errors.Is(err, word) })
}

// mandate is what a command runs for: another one asks for another run.
type mandate struct {
	caucus.Assignment
	slots     string // as "0-127,300"
	slotEpoch uint64
	term      uint64
}

// ofShare is the mandate of a member of a group: its index, and the term if it leads.
func ofShare(h client.Holding) (mandate, bool) {
	return mandate{Assignment: h.Assignment, term: h.Term}, h.Assigned
}

// ofSlots is the mandate of a member of a group with slots: these, whatever becomes of its index.
func ofSlots(h client.Holding) (mandate, bool) {
	return mandate{slots: caucus.SlotRanges(h.Slots), slotEpoch: h.SlotEpoch}, len(h.Slots) > 0
}

// same says whether the work is the same. The epoch under which slots were learnt changes also when others
// were released; for those that stay an earlier one is as good.
func (c mandate) same(other mandate) bool {
	c.slotEpoch = other.slotEpoch
	return c == other
}

// ofLeader is the mandate of who leads.
func ofLeader(h client.Holding) (mandate, bool) { return mandate{term: h.Term}, h.Leads }

// String says it in a line.
func (c mandate) String() string {
	var parts []string
	if c.Index > 0 {
		parts = append(parts, fmt.Sprintf("index %d of %d, epoch %d", c.Index, c.Total, c.Epoch))
	}
	if c.slots != "" {
		parts = append(parts, fmt.Sprintf("slots %s, epoch %d", c.slots, c.slotEpoch))
	}
	if c.term > 0 {
		parts = append(parts, fmt.Sprintf("leads in term %d", c.term))
	}
	return strings.Join(parts, ", ")
}

// env gives what a command is told: KEY=value, with nothing behind the sign for what there is not.
func (c mandate) env(group, member string) []string {
	number := func(n uint64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatUint(n, 10)
	}
	return []string{
		"CAUCUS_GROUP=" + group, "CAUCUS_MEMBER=" + member,
		"CAUCUS_INDEX=" + number(uint64(c.Index)), "CAUCUS_TOTAL=" + number(uint64(c.Total)),
		"CAUCUS_EPOCH=" + number(max(c.Epoch, c.slotEpoch)), "CAUCUS_TERM=" + number(c.term),
		"CAUCUS_SLOTS=" + c.slots,
	}
}

// withEnv gives this process's environment with other values for what is told.
func withEnv(told []string) []string {
	env := make([]string, 0, len(os.Environ())+len(told))
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		stale := false
		for _, t := range told {
			stale = stale || strings.HasPrefix(t, name+"=")
		}
		if !stale {
			env = append(env, pair)
		}
	}
	return append(env, told...)
}

// onChange says how a command learns of a change: it is started anew, or hears a signal.
type onChange struct{ signal syscall.Signal }

// UnmarshalText reads "restart" or the name of a signal, such as HUP or SIGHUP.
func (o *onChange) UnmarshalText(text []byte) error {
	name := strings.ToUpper(string(text))
	if name == "RESTART" {
		return nil
	}
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	o.signal = unix.SignalNum(name)
	if o.signal == 0 || o.signal == syscall.SIGKILL || o.signal == syscall.SIGSTOP {
		return errors.New("must be restart or a signal that a program can take, such as HUP")
	}
	return nil
}
