//go:build linux

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caucus-project/caucus/tests/chaos/history"
)

// tell says from time to time how a long run goes.
func (r *run) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Second):
		}
		var calls, answered, unknown int64
		for _, c := range r.crews {
			one := c.done()
			calls, answered, unknown = calls+one.Calls, answered+one.Answered, unknown+one.Unknown
		}
		r.t.Logf("%v left; %d calls, %d answered, %d of unknown outcome; broken: %s",
			(*lasts - time.Since(r.began)).Round(time.Second), calls, answered, unknown,
			strings.Join(r.present(), "; "))
	}
}

// figures is what a run was, for programs.
type figures struct {
	Seed     uint64         `json:"seed"`
	Nodes    int            `json:"nodes"`
	Seconds  float64        `json:"seconds"`
	Faults   map[string]int `json:"faults"`
	Work     []done         `json:"workloads"`
	Whole    int64          `json:"longest_ms_without_a_write_while_whole"`
	Broken   int64          `json:"longest_ms_without_a_write_while_broken"`
	Errors   []string       `json:"errors_logged"` // by nodes, which may have reason to
	Violated []string       `json:"violations"`
}

// done is what a workload did.
type done struct {
	Name     string `json:"name"`
	Calls    int64  `json:"calls"`
	Answered int64  `json:"answered"`
	Refused  int64  `json:"refused"`
	Unknown  int64  `json:"unknown"`
	Silence  int64  `json:"longest_ms_without_an_answer"`

	Undecided []string `json:"undecided"` // histories of which the checker did not find out in time
}

// done counts the calls of a workload up to now.
func (c *crew) done() done {
	run := history.Span{From: c.began, To: c.ended}
	if run.To == 0 {
		run.To = moment()
	}
	f := history.Count(c.calls.all(), run)
	return done{c.name, int64(f.Done + f.Refused + f.Uncertain), int64(f.Done), int64(f.Refused),
		int64(f.Uncertain), f.Silence.Milliseconds(), c.undecided}
}

// report tells what the run was: a table for people, and a line of JSON.
func (r *run) report() {
	f := figures{Seed: *seed, Nodes: *nodes, Seconds: lasts.Seconds(), Faults: r.times,
		Whole: r.pulse.whole.Milliseconds(), Broken: r.pulse.broken.Milliseconds()}
	for _, c := range r.crews {
		f.Work = append(f.Work, c.done())
	}
	for _, n := range append(r.all(), r.spares...) {
		f.Errors = append(f.Errors, n.complaints()...)
	}
	f.Violated = r.broken
	r.t.Logf("\n%s", f.table())
	line, err := json.Marshal(f)
	if err != nil {
		r.t.Fatal(err)
	}
	fmt.Printf("chaos: %s\n", line)
}

// table is the figures for people.
func (f figures) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-14s %9s %9s %9s %9s %12s\n", "workload", "calls", "answered", "refused", "unknown",
		"silence, ms")
	for _, w := range f.Work {
		fmt.Fprintf(&b, "%-14s %9d %9d %9d %9d %12d\n", w.Name, w.Calls, w.Answered, w.Refused, w.Unknown,
			w.Silence)
		for _, what := range w.Undecided {
			fmt.Fprintf(&b, "UNDECIDED, which is no pass: %s\n", what)
		}
	}
	names := make([]string, 0, len(f.Faults))
	for name := range f.Faults {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "fault %-20s %d times\n", name, f.Faults[name])
	}
	fmt.Fprintf(&b, "longest time without an acknowledged write: %d ms while nothing was broken, "+
		"%d ms while something was\n", f.Whole, f.Broken)
	for _, line := range f.Errors {
		fmt.Fprintf(&b, "logged: %s\n", line)
	}
	return b.String()
}
