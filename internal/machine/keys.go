package machine

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// keyCommands names who carries out the commands about keys of any type, and PUBLISH, which is here for its
// place in transactions.
func (m *Machine) keyCommands() {
	m.writes["del"], m.writes["unlink"] = deleteKeys, deleteKeys
	m.writes["rename"], m.writes["renamenx"] = rename, renameNX
	m.writes["copy"] = copyKey
	m.writes["flushall"], m.writes["flushdb"] = flush, flush
	m.writes["persist"] = persist
	m.writes["sort"], m.reads["sort_ro"] = sortCommand, sortRead
	m.reads["exists"], m.reads["touch"] = countKeys, countKeys
	m.reads["type"] = typeOf
	m.reads["keys"], m.reads["scan"] = listKeys, scan
	m.reads["randomkey"], m.reads["dbsize"] = randomKey, size
	m.reads["object|encoding"] = encoding
	m.reads["object|refcount"] = aboutObject(caucus.Int(1))
	m.reads["object|idletime"] = aboutObject(caucus.Int(0))
	m.reads["object|revision"] = revision
	m.reads["object|freq"] = aboutObject(caucus.Fail(caucus.ErrBad, noFrequency))
	m.reads["memory|usage"] = memoryUsage
	m.reads["changes"] = changes
	m.reads["publish"] = publish
	m.reads[opWatch] = watch
	m.expiryCommands()
}

// item finds a key as the one who asks may see it: a local read does not see what its own clock says is over
// (SAFETY B11).
func (q *query) item(key string) (item, bool) {
	it, ok := q.s.keys.find(key)
	if ok && q.hides(&it) {
		return item{}, false
	}
	return it, ok
}

func (q *query) hides(it *item) bool { return q.local && it.over(q.now) }

func deleteKeys(c *call) caucus.Reply {
	var n int64
	for _, key := range c.args[1:] {
		if c.m.remove(wordDel, key) {
			n++
		}
	}
	return caucus.Int(n)
}

func countKeys(q *query) caucus.Reply {
	var n int64
	for _, key := range q.args[1:] {
		if _, ok := q.item(key); ok {
			n++
		}
	}
	return caucus.Int(n)
}

func typeOf(q *query) caucus.Reply {
	if it, ok := q.item(q.args[1]); ok {
		return caucus.Status(it.kind.name())
	}
	return caucus.Status("none")
}

func size(q *query) caucus.Reply { return caucus.Int(int64(q.s.keys.count)) }

// listKeys answers KEYS, sorted by bytes.
func listKeys(q *query) caucus.Reply {
	pattern, err := patternOf(q.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	keys := []string{}
	q.s.keys.from(0, func(_ uint64, it *item) bool {
		if !q.hides(it) && q.matches(pattern, it.key) {
			keys = append(keys, it.key)
		}
		if err = q.room(len(keys)); err == nil && q.work.over() {
			err = errLongNames
		}
		return err == nil
	})
	q.work.steps(q.s.keys.count)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	slices.Sort(keys)
	return caucus.Bulks(keys...)
}

// errLongNames is the answer to KEYS when a node would look too long at the names that there are.
var errLongNames = caucus.Errorf(caucus.ErrBad, "the names of all keys are too long to look through at once "+
	"for this pattern; use SCAN, or a pattern that begins as the keys do")

// randomKey draws a key.
func randomKey(q *query) caucus.Reply {
	rng := q.rng()
	n := uint64(q.s.keys.items.Len())
	for range min(n, 100) { // as in Redis, where all keys may be over but not gone yet
		_, c, _ := q.s.keys.items.GetAt(int(rng.next() % n))
		it, rest := c.first()
		for rest != "" && rng.next()&1 == 1 {
			it, rest = rest.first()
		}
		if !q.hides(&it) {
			return caucus.Bulk(it.key)
		}
	}
	return caucus.Nil()
}

func noSuchKey() caucus.Reply { return caucus.Fail(caucus.ErrBad, "no such key") }

func rename(c *call) caucus.Reply {
	it, ok := c.item(c.args[1])
	if !ok {
		return noSuchKey()
	}
	c.m.move(&it, c.args[2])
	return caucus.OK()
}

func renameNX(c *call) caucus.Reply {
	it, ok := c.item(c.args[1])
	if !ok {
		return noSuchKey()
	}
	if _, taken := c.item(c.args[2]); taken {
		return caucus.Int(0)
	}
	c.m.move(&it, c.args[2])
	return caucus.Int(1)
}

// move gives a key another name; value and end go with it. A body is put aside while no key has it.
func (m *Machine) move(it *item, to string) {
	if it.key == to {
		return
	}
	b := m.keys.free(it.value)
	m.remove(wordRenameFrom, it.key)
	if b != nil {
		m.keys.adopt(it.id(), b)
	}
	m.put(wordRenameTo, to, it.value, it.expireAt)
}

// copyKey carries out COPY source destination [DB 0] [REPLACE].
func copyKey(c *call) caucus.Reply {
	replace := false
	for i := 3; i < len(c.args); i++ {
		switch {
		case strings.EqualFold(c.args[i], "REPLACE"):
			replace = true
		case strings.EqualFold(c.args[i], "DB") && i+1 < len(c.args):
			i++
			if err := command.ReadDatabase(c.args[i]); err != nil {
				return caucus.ErrorReply(err)
			}
		default:
			return caucus.ErrorReply(syntaxError())
		}
	}
	if c.args[1] == c.args[2] {
		return caucus.Fail(caucus.ErrBad, "source and destination objects are the same")
	}
	it, ok := c.item(c.args[1])
	if _, taken := c.item(c.args[2]); !ok || taken && !replace {
		return caucus.Int(0)
	}
	if err := c.mayCopy(&it); err != nil {
		return caucus.ErrorReply(err)
	}
	if it.kind.hasBody() {
		it.value = c.m.keys.adopt(c.m.counter+1, c.m.keys.mutable(it.value).IsoCopy())
	}
	c.m.put(wordCopyTo, c.args[2], it.value, it.expireAt)
	return caucus.Int(1)
}

// mayCopy refuses a copy for which there is no room.
func (c *call) mayCopy(it *item) *caucus.Error {
	adds := it.bytes()
	if it.kind.hasBody() {
		of := c.s.keys.bodyOf(it.value)
		if err := c.s.populous(c.args[2], of.len()); err != nil {
			return err
		}
		adds += of.weight()
	}
	c.work.spent += adds
	return c.s.affords(adds)
}

// flush carries out FLUSHALL and FLUSHDB [ASYNC | SYNC]. Groups and sessions are not in the keyspace, so they
// stay (SAFETY B21). Letting go of a tree is quick, so both ways are the same.
func flush(c *call) caucus.Reply {
	if len(c.args) > 2 ||
		len(c.args) == 2 && !strings.EqualFold(c.args[1], "ASYNC") && !strings.EqualFold(c.args[1], "SYNC") {
		return caucus.ErrorReply(syntaxError())
	}
	c.m.clear()
	return caucus.OK()
}

// publish hands a message to the client's own node, which tells the others.
func publish(q *query) caucus.Reply {
	channel := q.args[1]
	switch {
	case strings.HasPrefix(channel, "caucus:"):
		return caucus.Fail(caucus.ErrBad, "only the ensemble publishes to caucus:*")
	case q.host == nil:
		return caucus.Int(0)
	}
	return caucus.Int(int64(q.host.Publish(channel, q.args[2])))
}
