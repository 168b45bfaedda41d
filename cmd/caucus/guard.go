package main

import (
	"time"

	"github.com/caucus-project/caucus/internal/lease"
)

// guardCmd is the guardian of a command that caucus join or elect runs (SAFETY C6): a process of its own,
// because who is stopped or killed can stop nothing himself. It takes orders from descriptor 3 and reports
// on 4, as lines of JSON; its standard input and outputs are the command's. When its orders end, whoever gave
// them is dead: it kills the command and all that came of it, and closes the session.
type guardCmd struct{}

// order is what a guardian is told. Each part that is there is carried out, in this order.
type order struct {
	Ensemble *ensembleOrder `json:",omitempty"` // where the session can be closed
	Session  string         `json:",omitempty"` // the one that is carried now
	Until    *deadlines     `json:",omitempty"` // how long the command may run
	Start    *startOrder    `json:",omitempty"`
	Stop     bool           `json:",omitempty"` // SIGTERM now, SIGKILL after stopTime
	Signal   int            `json:",omitempty"` // for the command's own process
	Bye      bool           `json:",omitempty"` // the end of the orders will mean nothing
}

type ensembleOrder struct {
	Addrs    []string
	User     string `json:",omitempty"`
	Password string `json:",omitempty"`
	TLS      tlsFlags
	Quiet    bool   `json:",omitempty"`
	Dir      string `json:",omitempty"` // to be removed when nobody else can
}

type startOrder struct {
	Path string
	Args []string
	Env  []string
}

// deadlines say when a command must be asked to end and when it must be dead, in microseconds after At, by
// whichever clock ran furthest.
type deadlines struct {
	At         lease.Reading
	Term, Kill int64
}

// The parts of a promise after which a command is told to end, is killed by its guardian, and is killed by
// the guardian's own parent, should the guardian be stopped: all before the belief ends, at 98 %.
const (
	termPercent   = 50
	killPercent   = 90
	beliefPercent = 98
	stopTime      = 10 * time.Second // between SIGTERM and SIGKILL
)

// deadlinesOf gives the deadlines for what is believed for so long from at on, under a promise.
func deadlinesOf(at lease.Reading, left, promise time.Duration) *deadlines {
	part := func(percent time.Duration) int64 {
		return (left - promise*(beliefPercent-percent)/100).Microseconds()
	}
	return &deadlines{At: at, Term: part(termPercent), Kill: part(killPercent)}
}

// report is what a guardian tells.
type report struct {
	Started int    `json:",omitempty"` // the process group of the command
	Failed  string `json:",omitempty"` // why it could not be started; Status is the shell's for that
	Ended   bool   `json:",omitempty"` // the command and all that came of it are dead
	Late    bool   `json:",omitempty"` // by a deadline
	Status  int    `json:",omitempty"` // of the command as a shell gives it: 128+n when signal n ended it
}
