package tests

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// action is what a client did to one register.
type action struct {
	kind string // set, get, cas, swap, incr
	key  string
	old  string // cas: what it read before
	new  string // set, cas, swap
}

// outcome is what it was told.
type outcome struct {
	unknown bool   // nothing: it may have happened at any later time, or never
	failed  bool   // cas: somebody else was quicker
	value   string // get, swap: what was there before; incr: what is there now
}

// history is what all clients did and saw.
type history struct {
	began time.Time

	mu      sync.Mutex
	ops     []porcupine.Operation
	acked   map[string]string // of keys that are written once
	refused map[string]bool   // values that were certainly not written
	count   map[string]int    // of operations that were answered, by kind
}

func newHistory() *history {
	return &history{began: time.Now(), acked: map[string]string{}, refused: map[string]bool{},
		count: map[string]int{}}
}

func (h *history) now() int64 { return int64(time.Since(h.began)) }

// note adds what a client did, from called until now. What is not known to have happened may happen
// until the end of all days; what certainly did not happen is not part of the history, but its
// value must never be seen.
func (h *history) note(client int, a action, called int64, out outcome, err error) {
	returned := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && neverApplied(err):
		if a.new != "" {
			h.refused[a.new] = true
		}
		return
	case err != nil && a.kind == "get":
		return
	case err != nil:
		out, returned = outcome{unknown: true}, int64(1)<<62
	default:
		h.count[a.kind]++
	}
	h.ops = append(h.ops, porcupine.Operation{
		ClientId: client, Input: a, Call: called, Output: out, Return: returned})
}

// once adds the writing of a key that nobody else writes.
func (h *history) once(key, value string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.acked[key] = value
		h.count["once"]++
	case neverApplied(err):
		h.refused[value] = true
	}
}

// answered gives how many operations were answered so far.
func (h *history) answered() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.count {
		n += c
	}
	return n
}

// keys gives every key that anybody touched.
func (h *history) keys() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[string]bool{}
	var list []string
	for _, op := range h.ops {
		if k := op.Input.(action).key; !seen[k] {
			seen[k] = true
			list = append(list, k)
		}
	}
	return list
}

// registers is the model: each key by itself is one register.
var registers = porcupine.Model{
	Partition: func(ops []porcupine.Operation) (parts [][]porcupine.Operation) {
		place := map[string]int{}
		for _, op := range ops {
			key := op.Input.(action).key
			i, ok := place[key]
			if !ok {
				i = len(parts)
				place[key] = i
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], op)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		return step(state.(string), input.(action), output.(outcome))
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

// step says whether the register may answer so, and what it holds then.
func step(was string, a action, out outcome) (bool, string) {
	switch a.kind {
	case "get":
		return out.value == was, was
	case "set":
		return true, a.new
	case "swap":
		return out.unknown || out.value == was, a.new
	case "cas":
		if out.failed || out.unknown && was != a.old {
			return true, was
		}
		return was == a.old, a.new
	case "incr":
		n, err := strconv.Atoi("0" + was)
		next := strconv.Itoa(n + 1)
		return err == nil && (out.unknown || out.value == next), next
	}
	return false, was
}

// check says whether the history is linearizable.
func (h *history) check(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, part := range registers.Partition(h.ops) {
		if porcupine.CheckOperations(registers, part) {
			continue
		}
		key := part[0].Input.(action).key
		t.Errorf("the history of %s, %d operations, is not linearizable", key, len(part))
		for _, op := range part {
			t.Logf("%3d %12d..%-20d %s", op.ClientId, op.Call, op.Return,
				registers.DescribeOperation(op.Input, op.Output))
		}
		return
	}
	t.Logf("%d operations, answered: %v", len(h.ops), h.count)
}

// The model refuses what a store that lost or invented something would answer.
func TestRegistersCatchLies(t *testing.T) {
	op := func(kind, old, new, value string, call, ret int64) porcupine.Operation {
		return porcupine.Operation{Input: action{kind: kind, key: "k", old: old, new: new}, Call: call,
			Output: outcome{value: value}, Return: ret}
	}
	type ops = []porcupine.Operation
	lost := op("set", "", "b", "", 3, 1<<62)
	lost.Output = outcome{unknown: true}
	for name, c := range map[string]struct {
		done ops
		want bool
	}{
		"read what was written":    {ops{op("set", "", "a", "", 1, 2), op("get", "", "", "a", 3, 4)}, true},
		"lost write":               {ops{op("set", "", "a", "", 1, 2), op("get", "", "", "", 3, 4)}, false},
		"unknown write seen":       {ops{lost, op("get", "", "", "b", 9, 10)}, true},
		"unknown write not seen":   {ops{lost, op("get", "", "", "", 9, 10)}, true},
		"unknown write seen early": {ops{lost, op("get", "", "", "b", 1, 2)}, false},
		"two raises, one number":   {ops{op("incr", "", "", "1", 1, 2), op("incr", "", "", "1", 3, 4)}, false},
		"two exchange the same": {ops{op("set", "", "a", "", 1, 2),
			op("cas", "a", "b", "", 3, 6), op("cas", "a", "c", "", 4, 7)}, false},
		"swap that saw the old": {ops{op("set", "", "a", "", 1, 2), op("swap", "", "b", "", 3, 4)}, false},
	} {
		if got := porcupine.CheckOperations(registers, c.done); got != c.want {
			t.Errorf("%s: linearizable %v, want %v", name, got, c.want)
		}
	}
}
