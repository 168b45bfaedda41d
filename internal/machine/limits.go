package machine

import (
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// limits are settings of the ensemble, by which every node refuses the same command (SAFETY B13). 0 is for no
// limit but those that the doors and the formats have.
type limits struct {
	memory   int64 // bytes of keys and values above which what grows is refused
	key      int64 // bytes of a key
	value    int64 // bytes of an argument, or of a string that a command makes
	elements int64 // elements of a collection
}

// named gives a limit by its name in CONFIG, nil for a name that is none.
func (l *limits) named(name string) *int64 {
	switch name {
	case "maxmemory":
		return &l.memory
	case "max-key-bytes":
		return &l.key
	case "max-value-bytes":
		return &l.value
	case "max-elements":
		return &l.elements
	}
	return nil
}

// Limits gives the limits by their names in CONFIG, in order: names and numbers in turn.
func (s *state) Limits() []string {
	var list []string
	for _, name := range []string{"max-elements", "max-key-bytes", "max-value-bytes", "maxmemory"} {
		list = append(list, name, strconv.FormatInt(*s.limits.named(name), 10))
	}
	return list
}

// MaxMemory gives the limit on Memory, 0 for none.
func (s *state) MaxMemory() int64 { return s.limits.memory }

// errFull is the answer to what would grow when memory is full.
var errFull = caucus.Errorf(caucus.ErrOutOfMemory, "command not allowed when used memory > 'maxmemory'.")

// growing says of commands that add to a collection which argument is its key.
var growing = map[string]int{"hset": 1, "hmset": 1, "hsetnx": 1, "hincrby": 1, "hincrbyfloat": 1, "lpush": 1,
	"rpush": 1, "lpushx": 1, "rpushx": 1, "linsert": 1, "sadd": 1, "zadd": 1, "zincrby": 1, "smove": 2,
	"rpoplpush": 2, "lmove": 2, "brpoplpush": 2, "blmove": 2}

// exceeds says why a command that may grow what there is is refused, nil when it is not. What is counted in
// memory are the keys and their values, alike on every node; sessions and groups have limits of their own. A
// collection takes what one command adds as long as it has room for one more.
func (s *state) exceeds(spec *command.Spec, args caucus.Command) *caucus.Error {
	l := &s.limits
	if !spec.Has(command.DenyOOM) || *l == (limits{}) {
		return nil
	}
	if l.memory > 0 && s.Memory() > l.memory {
		return errFull
	}
	if l.key > 0 {
		for _, key := range spec.Keys(args) {
			if int64(len(key)) > l.key {
				return caucus.Errorf(caucus.ErrBad, "a key of %d bytes is longer than max-key-bytes, which is %d",
					len(key), l.key)
			}
		}
	}
	if l.value > 0 {
		for _, arg := range args[1:] {
			if int64(len(arg)) > l.value {
				return caucus.Errorf(caucus.ErrBad, "an argument of %d bytes is longer than max-value-bytes, which is %d",
					len(arg), l.value)
			}
		}
	}
	return s.crowded(spec, args)
}

// crowded refuses what adds to a collection that has as many elements as it may.
func (s *state) crowded(spec *command.Spec, args caucus.Command) *caucus.Error {
	at, adds := growing[spec.Name]
	if s.limits.elements == 0 || !adds || at >= len(args) {
		return nil
	}
	it, ok := s.keys.find(args[at])
	if !ok || !it.kind.hasBody() {
		return nil
	}
	if n := int64(s.keys.bodyOf(it.value).len()); n >= s.limits.elements {
		return caucus.Errorf(caucus.ErrBad, "'%.64s' has %d elements, and max-elements is %d", args[at], n,
			s.limits.elements)
	}
	return nil
}

// maxText is the longest string, as in Redis.
const maxText = 512 << 20

// fits says whether a string may have so many bytes.
func (s *state) fits(n int64) *caucus.Error {
	switch {
	case n > maxText:
		return caucus.Errorf(caucus.ErrBad, "string exceeds maximum allowed size (proto-max-bulk-len)")
	case s.limits.value > 0 && n > s.limits.value:
		return caucus.Errorf(caucus.ErrBad, "a string of %d bytes would be longer than max-value-bytes, which "+
			"is %d", n, s.limits.value)
	}
	return nil
}
