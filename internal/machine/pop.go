package machine

import (
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// popper reads a command that takes elements from the first of several keys that has some.
type popper func(args caucus.Command) (*popping, *caucus.Error)

// popping is such a command as it was read. It never changes.
type popping struct {
	is   kind // of the keys
	keys []string
	// take takes from a key that has what is asked for. It may be called again whenever the command is served.
	take func(m *Machine, key string) caucus.Reply
	none caucus.Reply // when there is nothing, for who does not wait

	waits  bool
	millis int64 // for which it waits at most, 0 without limit
}

// popCommands names who carries out commands that pop from one of several keys.
func (m *Machine) popCommands() {
	for name, read := range poppers() {
		m.writes[name] = func(c *call) caucus.Reply { return c.pop(read) }
	}
	m.writes[opQuitPop] = forsakePop
	m.notes[opAbsent] = nodeAbsent
	m.reads[opInPop] = inPopLine
}

var allPoppers = func() map[string]popper {
	all := maps.Clone(listPoppers)
	maps.Copy(all, zsetPoppers)
	return all
}()

// poppers lists them all, by their names.
func poppers() map[string]popper { return allPoppers }

// pop takes elements from the first key that has some, or stands in line for them.
func (c *call) pop(read popper) caucus.Reply {
	asked, err := read(c.args)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	for _, key := range asked.keys {
		it, ok := c.item(key)
		switch {
		case !ok:
		case it.kind != asked.is:
			return caucus.ErrorReply(wrongType())
		default:
			return asked.take(c.m, key)
		}
	}
	if !asked.waits || !c.alone {
		return asked.none
	}
	return c.awaitElement(asked)
}

// mayWait makes of a popper that of the command that may wait, and says for how long at an index, counted
// from the end when it is below 0. What else is wrong with it comes before what is wrong with that.
func mayWait(at int, read popper) popper {
	return func(args caucus.Command) (*popping, *caucus.Error) {
		i := (len(args) + at) % len(args)
		p, err := read(slices.Concat(args[:i], args[i+1:]))
		if err == nil {
			p.waits = true
			p.millis, err = parseTimeout(args[i])
		}
		return p, err
	}
}

// latest is the longest wait that Redis takes, in milliseconds: what its clock could still be added to.
const latest = math.MaxInt64 - 1<<41

// parseTimeout reads a number of seconds, and gives the next full milliseconds. More of them than Redis can
// hold turn negative there.
func parseTimeout(seconds string) (millis int64, err *caucus.Error) {
	f, ok := longDouble(seconds)
	if !ok {
		return 0, caucus.Errorf(caucus.ErrBad, "timeout is not a float or out of range")
	}
	f.Mul(f, big.NewFloat(1000))
	millis, accuracy := f.Int64()
	if accuracy == big.Below && millis < math.MaxInt64 {
		millis++
	}
	switch {
	case millis < 0 || millis == math.MaxInt64:
		return 0, caucus.Errorf(caucus.ErrBad, "timeout is negative")
	case millis > latest:
		return 0, caucus.Errorf(caucus.ErrBad, "timeout is out of range")
	}
	return millis, nil
}

// clones gives copies of words that share the memory of an entry.
func clones(words []string) []string {
	own := make([]string, len(words))
	for i, w := range words {
		own[i] = strings.Clone(w)
	}
	return own
}
