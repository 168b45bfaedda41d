package history

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// RegisterKind is what a client did to a register.
type RegisterKind uint8

// The kinds.
const (
	Get    RegisterKind = iota // read it
	Set                        // wrote it
	Swap                       // read and wrote it in one transaction
	Change                     // wrote it provided that it still held what was read before
)

// Register is what a client did to one key. No two records of a run write the same value. A change that
// failed, as somebody else was quicker, is refused: what it was to write must never be seen.
type Register struct {
	Call
	Kind RegisterKind
	Key  string
	Seen string // what was there before, "" for nothing; of a Swap only if it was done
	New  string
}

// String shows a record.
func (r Register) String() string {
	kind := []string{"get", "set", "swap", "change"}[r.Kind]
	fate := []string{"", ", refused", ", uncertain"}[r.Fate]
	return fmt.Sprintf("client %d %d..%d %s %s: %q -> %q%s", r.Client, r.From, r.To, kind, r.Key, r.Seen,
		r.New, fate)
}

func (r Register) writes() bool { return r.Kind != Get }

// reads says whether the record shows what the register held, if it happened.
func (r Register) reads() bool {
	return r.Kind == Get || r.Kind == Change || r.Kind == Swap && r.Fate == Done
}

// Registers says whether each key by itself was a linearizable register. Each gets so much time.
func Registers(list []Register, within time.Duration) (v Verdict) {
	byKey := map[string][]Register{}
	for _, r := range list {
		byKey[r.Key] = append(byKey[r.Key], r)
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		v.register(key, byKey[key], within)
	}
	v.Judged = len(list)
	return v
}

// register judges one key.
func (v *Verdict) register(key string, list []Register, within time.Duration) {
	sure, ok := v.certain(key, list)
	if !ok {
		return
	}
	ops := make([]porcupine.Operation, len(sure))
	for i, r := range sure {
		ops[i] = porcupine.Operation{ClientId: r.Client, Input: r, Call: r.From, Return: r.To}
	}
	switch porcupine.CheckOperationsTimeout(register, ops, within) {
	case porcupine.Illegal:
		v.wrong("the history of %s is not linearizable:%s", key, lines(sure))
	case porcupine.Unknown:
		v.unknown("whether the history of %s is linearizable was not found out in %v: %d operations", key, within,
			len(sure))
	}
}

// certain makes of a history with records whose outcome is unknown one of records that happened. A write that
// nobody saw changes nothing for anybody, whether it happened or not: it is left out. One that was seen
// happened, before whoever saw it first had returned. So the order of a history with many of them is found as
// fast as that of any other.
func (v *Verdict) certain(key string, list []Register) (sure []Register, ok bool) {
	writer := map[string]int{}
	for i, r := range list {
		if !r.writes() {
			continue
		}
		if other, twice := writer[r.New]; twice || r.New == "" {
			v.wrong("the history is no good: %q was written twice:%s", r.New, lines([]Register{list[other], r}))
			return nil, false
		}
		writer[r.New] = i
	}
	list = slices.Clone(list)
	happened := make([]bool, len(list))
	var todo []int
	for i, r := range list {
		if happened[i] = r.Fate == Done; happened[i] {
			todo = append(todo, i)
		}
	}
	for ; len(todo) > 0; todo = todo[1:] {
		r := list[todo[0]]
		if !r.reads() || r.Seen == "" {
			continue
		}
		i, written := writer[r.Seen]
		if !written || list[i].Fate == Refused || list[i].From > r.To {
			v.wrong("%s holds what was not written:%s", key, lines(append([]Register{r}, about(list, r.Seen)...)))
			return nil, false
		}
		if list[i].Fate == Uncertain && (!happened[i] || list[i].To > r.To) {
			happened[i], list[i].To = true, r.To
			todo = append(todo, i)
		}
	}
	for i, r := range list {
		if happened[i] {
			sure = append(sure, r)
		}
	}
	return sure, true
}

// about gives the records of the writing of a value.
func about(list []Register, value string) []Register {
	return slices.DeleteFunc(slices.Clone(list), func(r Register) bool { return !r.writes() || r.New != value })
}

func lines[R fmt.Stringer](list []R) (text string) {
	for _, r := range list {
		text += "\n\t" + r.String()
	}
	return text
}

// register is a key as porcupine knows it. Everything that it is given happened.
var register = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		r, was := input.(Register), state.(string)
		if r.reads() && r.Seen != was {
			return false, was
		}
		if r.writes() {
			was = r.New
		}
		return true, was
	},
}
