package respd

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// CommandStats counts what became of one command, as INFO commandstats does.
type CommandStats struct {
	Spec *command.Spec
	// Done were carried out; Failed were carried out and answered with an error.
	Done, Failed uint64
	// Rejected were not: the client had not proven itself, or came from elsewhere.
	Rejected uint64
	// Took is how long clients waited for both. Those of one pipeline wait together, and it counts for
	// each of them.
	Took time.Duration
}

// tally counts commands, errors and bytes. Its methods may be called from any goroutine.
type tally struct {
	rows    map[*command.Spec]*count // never changed
	in, out atomic.Uint64            // bytes

	mu    sync.Mutex
	words map[string]uint64 // error replies by their first word
}

type count struct{ done, failed, rejected, micros atomic.Uint64 }

func newTally(t *command.Table) *tally {
	all := &tally{rows: map[*command.Spec]*count{}, words: map[string]uint64{}}
	for _, spec := range t.All() {
		all.rows[spec] = &count{}
	}
	return all
}

// called counts a command that was carried out; spec is nil when there is no such command.
func (t *tally) called(spec *command.Spec, took time.Duration, failed bool) {
	row := t.rows[spec]
	if row == nil {
		return
	}
	row.micros.Add(uint64(took.Microseconds()))
	if failed {
		row.failed.Add(1)
	} else {
		row.done.Add(1)
	}
}

func (t *tally) rejected(spec *command.Spec) {
	if row := t.rows[spec]; row != nil {
		row.rejected.Add(1)
	}
}

// refused counts an error reply.
func (t *tally) refused(r caucus.Reply) {
	word := caucus.ParseError(r.Str).Word
	t.mu.Lock()
	t.words[word]++
	t.mu.Unlock()
}

// add puts the counts into st, the commands in the order of the table, those never said left out.
func (t *tally) add(st *Stats, table *command.Table) {
	st.BytesIn, st.BytesOut = t.in.Load(), t.out.Load()
	for _, spec := range table.All() {
		row := t.rows[spec]
		if c := (CommandStats{spec, row.done.Load(), row.failed.Load(), row.rejected.Load(),
			time.Duration(row.micros.Load()) * time.Microsecond}); c.Done+c.Failed+c.Rejected > 0 {
			st.ByCommand = append(st.ByCommand, c)
		}
	}
	st.Errors = map[string]uint64{}
	t.mu.Lock()
	defer t.mu.Unlock()
	for word, n := range t.words {
		st.Errors[word] = n
	}
}
