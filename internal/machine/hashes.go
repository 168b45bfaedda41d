package machine

import "github.com/caucus-project/caucus"

// hashCommands names who carries out the commands about hashes.
func (m *Machine) hashCommands() {
	m.writes["hset"], m.writes["hmset"], m.writes["hsetnx"] = hset, hmset, hsetNX
	m.writes["hdel"] = hdel
	m.writes["hincrby"], m.writes["hincrbyfloat"] = hincrBy, hincrByFloat
	m.reads["hget"], m.reads["hmget"], m.reads["hstrlen"] = hget, hmget, hstrlen
	m.reads["hexists"], m.reads["hlen"] = hexists, sizeOf(kindHash)
	m.reads["hgetall"], m.reads["hkeys"], m.reads["hvals"] = hgetAll, hkeys, hvals
	m.reads["hrandfield"], m.reads["hscan"] = hrandField, scanBody(kindHash)
}

func hget(q *query) caucus.Reply {
	t, err := q.table(q.args[1], kindHash)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return t.bulk(q.args[2])
}

// bulk answers the value of a field, nil when there is none.
func (t *table) bulk(field string) caucus.Reply {
	if value, ok := t.get(field); ok {
		return caucus.Bulk(value)
	}
	return caucus.Nil()
}

func hmget(q *query) caucus.Reply {
	t, err := q.table(q.args[1], kindHash)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	values := make([]caucus.Reply, len(q.args)-2)
	for i, field := range q.args[2:] {
		values[i] = t.bulk(field)
	}
	return caucus.Array(values...)
}

func hstrlen(q *query) caucus.Reply {
	t, err := q.table(q.args[1], kindHash)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	value, _ := t.get(q.args[2])
	return caucus.Int(int64(len(value)))
}

func hexists(q *query) caucus.Reply {
	t, err := q.table(q.args[1], kindHash)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Truth(t.has(q.args[2]))
}

// sizeOf makes the read that counts the elements of a key.
func sizeOf(is kind) read {
	return func(q *query) caucus.Reply {
		b, err := q.body(q.args[1], is)
		switch {
		case err != nil:
			return caucus.ErrorReply(err)
		case b == nil:
			return caucus.Int(0)
		}
		return caucus.Int(int64(b.len()))
	}
}

// hgetAll answers fields and values sorted by the bytes of the fields (SAFETY C9), as HKEYS and HVALS do.
func hgetAll(q *query) caucus.Reply {
	t, err := q.table(q.args[1], kindHash)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if err := q.room(2 * t.count); err != nil {
		return caucus.ErrorReply(err)
	}
	items := make([]caucus.Reply, 0, 2*t.count)
	for _, e := range t.sorted() {
		items = append(items, caucus.Bulk(e.name), caucus.Bulk(e.value))
	}
	return caucus.Map(items...)
}

func hkeys(q *query) caucus.Reply {
	return q.fields(func(e *element) string { return e.name })
}

func hvals(q *query) caucus.Reply {
	return q.fields(func(e *element) string { return e.value })
}

// fields answers one of the two things that each field of a hash has.
func (q *query) fields(of func(*element) string) caucus.Reply {
	t, err := q.table(q.args[1], kindHash)
	if err == nil {
		err = q.room(t.count)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	items := make([]caucus.Reply, t.count)
	for i, e := range t.sorted() {
		items[i] = caucus.Bulk(of(&e))
	}
	return caucus.Array(items...)
}

func hset(c *call) caucus.Reply {
	if len(c.args)%2 != 0 {
		return wrongNumber("hset")
	}
	return c.setFields(caucus.Int)
}

func hmset(c *call) caucus.Reply {
	if len(c.args)%2 != 0 {
		return wrongNumber("hmset")
	}
	return c.setFields(func(int64) caucus.Reply { return caucus.OK() })
}

// setFields carries out HSET and HMSET, which differ in what they answer to how many fields are new.
func (c *call) setFields(answer func(added int64) caucus.Reply) caucus.Reply {
	t, err := c.table(c.args[1], kindHash)
	if err == nil {
		err = c.crowds(t, c.args[2:], 2)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	var added int64
	e := c.m.edit(c.args[1], kindHash)
	for i := 2; i < len(c.args); i += 2 {
		if e.setField(c.args[i], c.args[i+1]) {
			added++
		}
	}
	e.done(wordHSet)
	return answer(added)
}

// setField gives a field of a hash a value, and says whether the field is new.
func (e *edit) setField(field, value string) (added bool) {
	added = e.table().set(field, value)
	e.grown(field, value)
	return added
}

func hsetNX(c *call) caucus.Reply {
	t, err := c.table(c.args[1], kindHash)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if t.has(c.args[2]) {
		return caucus.Int(0)
	}
	if err := c.crowds(t, c.args[2:3], 1); err != nil {
		return caucus.ErrorReply(err)
	}
	e := c.m.edit(c.args[1], kindHash)
	e.setField(c.args[2], c.args[3])
	e.done(wordHSet)
	return caucus.Int(1)
}

func hdel(c *call) caucus.Reply { return c.dropAll(kindHash, wordHDel) }

// dropAll takes the elements that a command names out of a table, and answers how many there were.
func (c *call) dropAll(is kind, w word) caucus.Reply {
	t, err := c.table(c.args[1], is)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	some := false
	for _, name := range c.args[2:] {
		some = some || t.has(name)
	}
	if !some {
		return caucus.Int(0)
	}
	var n int64
	e := c.m.edit(c.args[1], is)
	for _, name := range c.args[2:] {
		if e.table().drop(name) {
			n++
		}
	}
	e.done(w)
	return caucus.Int(n)
}
