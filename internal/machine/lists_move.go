package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
)

// listPoppers are the commands that take elements of a list to somewhere else, or from whichever of several
// lists has some.
var listPoppers = map[string]popper{
	"lmove": parseLMove, "blmove": mayWait(-1, parseLMove),
	"rpoplpush": parseRPopLPush, "brpoplpush": mayWait(-1, parseRPopLPush),
	"blpop": mayWait(-1, firstOf(head)), "brpop": mayWait(-1, firstOf(tail)),
	"lmpop": parseLMPop, "blmpop": mayWait(1, parseLMPop),
}

func parseSide(word string) (side, *caucus.Error) {
	switch strings.ToUpper(word) {
	case "LEFT":
		return head, nil
	case "RIGHT":
		return tail, nil
	}
	return head, syntaxError()
}

func parseLMove(args caucus.Command) (*popping, *caucus.Error) {
	return parseMove(args, args[3], args[4])
}

func parseRPopLPush(args caucus.Command) (*popping, *caucus.Error) {
	return parseMove(args, "RIGHT", "LEFT")
}

// parseMove reads LMOVE source destination and the two ends, which are given.
func parseMove(args caucus.Command, from, to string) (*popping, *caucus.Error) {
	here, err := parseSide(from)
	if err != nil {
		return nil, err
	}
	there, err := parseSide(to)
	if err != nil {
		return nil, err
	}
	source, destination := args[1], args[2]
	return &popping{is: kindList, keys: []string{source}, none: caucus.Nil(),
		take: func(m *Machine, _ string) caucus.Reply {
			return m.moveElement(source, destination, here, there)
		}}, nil
}

// moveElement takes an element from a list that there is, and puts it at an end of another, or of the same.
func (m *Machine) moveElement(source, destination string, from, to side) caucus.Reply {
	it, ok := m.keys.find(destination)
	if ok && it.kind != kindList {
		return caucus.ErrorReply(wrongType())
	}
	if source == destination {
		e := m.edit(source, kindList)
		value := e.list().pop(from)
		e.list().push(to, value)
		e.done(pushWord[to])
		return caucus.Bulk(value)
	}
	if ok {
		if err := m.crowded(destination, m.keys.bodyOf(it.value).len(), 1); err != nil {
			return caucus.ErrorReply(err)
		}
	}
	value := m.edit(source, kindList).list().at(0)
	if from == tail {
		l := m.edit(source, kindList).list()
		value = l.at(l.len() - 1)
	}
	e := m.edit(destination, kindList)
	e.list().push(to, value)
	e.done(pushWord[to])
	m.popped(source, from, 1)
	return caucus.Bulk(value)
}

// firstOf makes what reads BLPOP key [key ...], without its timeout.
func firstOf(at side) popper {
	return func(args caucus.Command) (*popping, *caucus.Error) {
		return &popping{is: kindList, keys: args[1:], none: caucus.NilArray(),
			take: func(m *Machine, key string) caucus.Reply {
				return caucus.Bulks(key, m.popped(key, at, 1)[0])
			}}, nil
	}
}

// parseLMPop reads LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count].
func parseLMPop(args caucus.Command) (*popping, *caucus.Error) {
	keys, rest, err := parseNumbered(args[1:])
	if err != nil {
		return nil, err
	}
	at, err := parseSide(rest[0])
	if err != nil {
		return nil, err
	}
	count, err := parseCount(rest[1:])
	if err != nil {
		return nil, err
	}
	return &popping{is: kindList, keys: keys, none: caucus.NilArray(),
		take: func(m *Machine, key string) caucus.Reply {
			return caucus.Array(caucus.Bulk(key), caucus.Bulks(m.popped(key, at, count)...))
		}}, nil
}

// parseNumbered reads numkeys key [key ...], and gives what follows, which is at least a word.
func parseNumbered(args []string) (keys, rest []string, err *caucus.Error) {
	n, err := bounded(args[0], 1, "numkeys should be greater than 0")
	if err != nil {
		return nil, nil, err
	}
	if n >= int64(len(args)-1) {
		return nil, nil, syntaxError()
	}
	return args[1 : 1+n], args[1+n:], nil
}

// parseCount reads [COUNT count], which is 1 unless it is stated.
func parseCount(args []string) (int64, *caucus.Error) {
	switch {
	case len(args) == 0:
		return 1, nil
	case len(args) < 2 || !strings.EqualFold(args[0], "COUNT"):
		return 0, syntaxError()
	}
	count, err := bounded(args[1], 1, "count should be greater than 0")
	if err == nil && len(args) > 2 {
		err = syntaxError()
	}
	return count, err
}
