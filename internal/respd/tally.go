package respd

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/waist"
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
	rows    []count       // of the rows of the table, by their places
	in, out atomic.Uint64 // bytes

	mu    sync.Mutex
	words map[string]uint64 // error replies by their first word

	refusals waist.Refusals
}

type count struct{ done, failed, rejected, micros atomic.Uint64 }

func newTally(t *command.Table) *tally {
	return &tally{rows: make([]count, len(t.All())), words: map[string]uint64{}}
}

// called counts a command that was carried out; spec is nil when there is no such command.
func (t *tally) called(spec *command.Spec, took time.Duration, failed bool) {
	var one calls
	t.another(&one, spec, took, failed)
	t.settle(&one)
}

// calls are commands of one row, one behind the other in a pipeline, that took equally long. They are counted
// together, since the counts are everybody's.
type calls struct {
	spec         *command.Spec // nil for what is no command
	done, failed uint64
	took         time.Duration // each of them
}

// another adds a command that was carried out to those before it, which are counted if it is another one.
func (t *tally) another(c *calls, spec *command.Spec, took time.Duration, failed bool) {
	if spec != c.spec || took != c.took {
		t.settle(c)
		c.spec, c.took = spec, took
	}
	if failed {
		c.failed++
	} else {
		c.done++
	}
}

// settle counts what was gathered, and forgets it.
func (t *tally) settle(c *calls) {
	if c.spec != nil {
		row := &t.rows[c.spec.Place()]
		row.micros.Add((c.done + c.failed) * uint64(c.took.Microseconds()))
		row.done.Add(c.done)
		if c.failed > 0 {
			row.failed.Add(c.failed)
		}
	}
	*c = calls{}
}

func (t *tally) rejected(spec *command.Spec) {
	if spec != nil {
		t.rows[spec.Place()].rejected.Add(1)
	}
}

// refused counts an error reply.
func (t *tally) refused(r caucus.Reply) {
	word := caucus.ParseError(r.Str).Word
	t.refusals.Count(r.Str)
	t.mu.Lock()
	t.words[word]++
	t.mu.Unlock()
}

// add puts the counts into st, the commands in the order of the table, those never said left out.
func (t *tally) add(st *Stats, table *command.Table) {
	st.BytesIn, st.BytesOut = t.in.Load(), t.out.Load()
	for i, spec := range table.All() {
		row := &t.rows[i]
		if c := (CommandStats{spec, row.done.Load(), row.failed.Load(), row.rejected.Load(),
			time.Duration(row.micros.Load()) * time.Microsecond}); c.Done+c.Failed+c.Rejected > 0 {
			st.ByCommand = append(st.ByCommand, c)
		}
	}
	st.Limits = map[string]uint64{}
	t.refusals.AddTo(st.Limits)
	st.Errors = map[string]uint64{}
	t.mu.Lock()
	defer t.mu.Unlock()
	for word, n := range t.words {
		st.Errors[word] = n
	}
}
