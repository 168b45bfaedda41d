package machine

import (
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// limits are settings of the ensemble, by which every node refuses the same command (SAFETY B13). 0 is for no
// limit but those that the doors and the formats have.
type limits struct {
	memory   int64 // bytes of keys, values and waits above which what grows is refused
	key      int64 // bytes of a key
	value    int64 // bytes of an argument, or of a string that a command makes
	elements int64 // elements of a collection
	reply    int64 // bytes of a reply, as waist.Weight counts them
	sessions int64 // sessions of clients
	groups   int64
	members  int64 // members of a group
}

// How many sessions and groups there may be at first: each takes about 1 KB of every node's memory.
const (
	defaultSessions = 1_000_000
	defaultGroups   = 100_000
	defaultMembers  = 1_000_000
)

// defaultValue is how long a value may be at first: a node copies a value whenever a byte of it changes,
// and a value that a command makes, as SETRANGE does, may be a million times longer than the command.
const defaultValue = 64 << 20

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
	case "max-reply-bytes":
		return &l.reply
	case "max-sessions":
		return &l.sessions
	case "max-groups":
		return &l.groups
	case "max-members":
		return &l.members
	}
	return nil
}

// limitNames are the names of the limits, in order.
var limitNames = []string{"max-elements", "max-groups", "max-key-bytes", "max-members", "max-reply-bytes",
	"max-sessions", "max-value-bytes", "maxmemory"}

// Limits gives the limits by their names in CONFIG, in order: names and numbers in turn.
func (s *state) Limits() []string {
	var list []string
	for _, name := range limitNames {
		list = append(list, name, strconv.FormatInt(*s.limits.named(name), 10))
	}
	return list
}

// MaxMemory gives the limit on Memory, 0 for none.
func (s *state) MaxMemory() int64 { return s.limits.memory }

// errFull is the answer to what would grow when memory is full.
var errFull = caucus.Errorf(caucus.ErrOutOfMemory, "command not allowed when used memory > 'maxmemory'.")

// bringing are the commands that may make a key of a new name, or keep one while they wait, and yet are not
// refused when memory is full.
var bringing = map[string]bool{"rename": true, "renamenx": true, "smove": true,
	"blpop": true, "brpop": true, "blmpop": true, "bzpopmin": true, "bzpopmax": true, "bzmpop": true}

// exceeds says why a command that may grow what there is is refused, nil when it is not. What is counted in
// memory are the keys and their values, and who waits for them, alike on every node; sessions and groups have
// limits of their own. What a command adds beyond its own bytes is looked at before it is made (fits, room).
func (s *state) exceeds(spec *command.Spec, args caucus.Command) *caucus.Error {
	l := &s.limits
	grows := spec.Has(command.DenyOOM)
	switch {
	case !grows && !bringing[spec.Name]:
		return nil
	case grows && l.memory > 0 && s.Memory() > l.memory:
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
	return nil
}

// takesSession says why no further session is opened, nil when one may be. Those inside the nodes' own
// processes are not asked: who leads depends on them.
func (c *call) takesSession() *caucus.Error {
	if most := c.s.limits.sessions; most > 0 && int64(c.m.sessions.Len()) >= most && !fromInside(c.op) {
		return caucus.Errorf(caucus.ErrOutOfMemory, "there are %d sessions, and max-sessions is %d",
			c.m.sessions.Len(), most)
	}
	return nil
}

// takesGroup says why no further group is made, nil when one may be.
func (c *call) takesGroup() *caucus.Error {
	if most := c.s.limits.groups; most > 0 && int64(c.m.groups.Len()) >= most && !fromInside(c.op) {
		return caucus.Errorf(caucus.ErrOutOfMemory, "there are %d groups, and max-groups is %d",
			c.m.groups.Len(), most)
	}
	return nil
}

// crowded refuses what would give a collection more elements than it may have.
func (s *state) crowded(key string, has, adds int) *caucus.Error {
	most := s.limits.elements
	if most == 0 || adds == 0 || int64(has)+int64(adds) <= most {
		return nil
	}
	return caucus.Errorf(caucus.ErrBad, "'%.64s' has %d elements, and max-elements is %d, so it does not take "+
		"%d more", key, has, most, adds)
}

// crowds is crowded for the names among words, one in so many, of which those that are there add nothing.
func (c *call) crowds(t *table, words []string, every int) *caucus.Error {
	most := c.s.limits.elements
	if most == 0 || int64(t.count)+int64(len(words)/every) <= most {
		return nil
	}
	fresh := map[string]bool{}
	for i := 0; i < len(words); i += every {
		if !t.has(words[i]) {
			fresh[words[i]] = true
		}
	}
	return c.s.crowded(c.args[1], t.count, len(fresh))
}

const (
	maxText   = 512 << 20 // the longest string, as in Redis
	mostAdded = 1 << 30   // bytes that one command may add beyond its own
)

// fits says whether a string may have so many bytes, where there were others before.
func (s *state) fits(before int, n int64) *caucus.Error {
	switch {
	case n > maxText:
		return caucus.Errorf(caucus.ErrBad, "string exceeds maximum allowed size (proto-max-bulk-len)")
	case s.limits.value > 0 && n > s.limits.value:
		return caucus.Errorf(caucus.ErrBad, "a string of %d bytes would be longer than max-value-bytes, which "+
			"is %d", n, s.limits.value)
	}
	return s.affords(n - int64(before))
}

// affords says whether so many bytes may be added to what there is.
func (s *state) affords(adds int64) *caucus.Error {
	switch limit := s.limits.memory; {
	case adds <= 0:
	case limit > 0 && s.Memory()+adds > limit:
		return errFull
	case adds > mostAdded:
		return caucus.Errorf(caucus.ErrBad, "one command may add %d bytes, and this one would add more", mostAdded)
	}
	return nil
}

// making is a body that is made for a key, and what is there already.
type making struct {
	*body
	s      *state
	key    string
	before int64
}

// making begins a body for a key.
func (s *state) making(is kind, key string) *making {
	mk := &making{body: newBody(is, s.keys.hashing), s: s, key: key}
	if it, ok := s.keys.find(key); ok && it.kind.hasBody() {
		mk.before = s.keys.bodyOf(it.value).weight()
	}
	return mk
}

// refused says why the body may not be as large as it is.
func (mk *making) refused() *caucus.Error {
	if err := mk.s.populous(mk.key, mk.len()); err != nil {
		return err
	}
	return mk.s.affords(mk.weight() - mk.before)
}

// populous refuses to make a collection that has more elements than it may.
func (s *state) populous(key string, elements int) *caucus.Error {
	if most := s.limits.elements; most > 0 && int64(elements) > most {
		return caucus.Errorf(caucus.ErrBad, "'%.64s' would have more elements than max-elements, which is %d", key,
			most)
	}
	return nil
}
