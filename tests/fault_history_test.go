package tests

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/tests/chaos/history"
)

// diary is what all clients did and saw.
type diary struct {
	began time.Time

	mu        sync.Mutex
	registers []history.Register
	counters  map[string]*counter
	onces     map[string]history.Entry // by key: what is written once
	count     map[string]int           // of operations that were answered, by kind
}

// counter is what was done to a number.
type counter struct {
	additions []history.Addition
	readings  []history.Reading
}

func newDiary() *diary {
	return &diary{began: time.Now(), counters: map[string]*counter{}, onces: map[string]history.Entry{},
		count: map[string]int{}}
}

func (d *diary) now() int64 { return int64(time.Since(d.began)) }

// call is one that was made at a moment and has just returned.
func (d *diary) call(client int, called int64, err error) history.Call {
	return history.Call{Span: history.Span{From: called, To: d.now()}, Fate: history.FateOf(err), Client: client}
}

func (d *diary) answered(kind string, c history.Call) {
	if c.Fate == history.Done {
		d.count[kind]++
	}
}

// register notes what a client did to a register.
func (d *diary) register(kind string, r history.Register) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.registers = append(d.registers, r)
	d.answered(kind, r.Call)
}

// counter gives a number; the caller holds mu.
func (d *diary) counter(key string) *counter {
	if d.counters[key] == nil {
		d.counters[key] = new(counter)
	}
	return d.counters[key]
}

func (d *diary) add(key string, a history.Addition) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counter(key)
	c.additions = append(c.additions, a)
	d.answered("incr", a.Call)
}

func (d *diary) read(key string, r history.Reading) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counter(key)
	c.readings = append(c.readings, r)
}

// once notes the writing of a key that nobody else writes.
func (d *diary) once(key string, e history.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onces[key] = e
	d.answered("once", e.Call)
}

// total gives how many operations were answered so far.
func (d *diary) total() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.count {
		n += c
	}
	return n
}

// keys gives the registers and the counters that anybody touched.
func (d *diary) keys() (registers, counters []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[string]bool{}
	for _, r := range d.registers {
		seen[r.Key] = true
	}
	return slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(d.counters))
}

// check says whether what was seen fits one order of all that was done.
func (d *diary) check(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	v := history.Registers(d.registers, time.Minute)
	for _, c := range d.counters {
		v.Add(history.Counter(c.additions, c.readings))
	}
	if len(v.Wrong)+len(v.Unknown) > 0 {
		t.Errorf("%s", strings.Join(append(v.Wrong, v.Unknown...), "\n"))
	}
	t.Logf("%d operations, answered: %v", v.Judged+len(d.onces), d.count)
}
