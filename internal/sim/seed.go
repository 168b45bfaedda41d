package sim

import (
	"fmt"
	"runtime/debug"
)

// Case is a course of events that can be had again.
type Case struct {
	Seed    uint64
	Without []int  // numbers of faults that do not come
	Luck    uint64 // another value is another course under the same faults
	Lines   int    // how many of what happened are kept
	Brief   bool   // of these only what is no daily business
}

// Result is what became of a case.
type Result struct {
	Hash   uint64 // of everything that happened, in order
	Events int
	Err    error    // what must not be so, nil when all was well
	Kind   string   // which check said so; "panic" for a panic
	Plan   string   // what the seed is about
	Faults []string // those that came, in words, each with its number
	Tail   string   // the last that happened, readable; empty when all was well
	Counts map[string]int
}

// Run plays a case to its end. A panic is a failure like any other.
func Run(c Case) Result {
	p := drawPlan(c.Seed)
	p.luck = c.Luck
	p.leaveOut(c.Without)
	return play(newWorld(p, c.Lines), c.Brief)
}

func play(w *World, brief bool) (r Result) {
	w.trace.brief = brief
	defer func() {
		if p := recover(); p != nil {
			r = w.result()
			r.Err, r.Kind = fmt.Errorf("at %s: panic: %v", clockText(w.now), p), "panic"
			r.Tail = w.trace.tail() + string(debug.Stack())
		}
	}()
	w.begin()
	w.live()
	w.settle()
	return w.result()
}

func (w *World) result() Result {
	r := Result{Hash: w.trace.hash, Events: w.trace.events, Err: w.failed, Kind: w.kind, Faults: w.befallen,
		Counts: w.checks.counts}
	if w.failed != nil {
		r.Plan, r.Tail = w.plan.text(), w.trace.tail()
	}
	return r
}
