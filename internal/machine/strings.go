package machine

import (
	"github.com/caucus-project/caucus"
)

// stringCommands names who carries out the commands about strings.
func (m *Machine) stringCommands() {
	m.writes["set"] = set
	m.writes["setnx"] = setNX
	m.writes["setex"] = timeForm{"setex", 1000, true}.set
	m.writes["psetex"] = timeForm{"psetex", 1, true}.set
	m.writes["getset"], m.writes["getdel"], m.writes["getex"] = getSet, getDel, getEx
	m.writes["mset"], m.writes["msetnx"] = mset, msetNX
	m.writes["append"], m.writes["setrange"] = appendText, setRange
	m.writes["incr"], m.writes["decr"] = addOne(1), addOne(-1)
	m.writes["incrby"], m.writes["decrby"] = incrBy, decrBy
	m.writes["incrbyfloat"] = incrByFloat
	m.reads["get"], m.reads["mget"], m.reads["strlen"] = get, mget, length
	m.reads["lcs"] = longestCommon
	m.reads["getrange"], m.reads["substr"] = getRange, getRange
}

// text finds a key that holds a string. The zero item stands for one that does not exist.
func (q *query) text(key string) (item, bool, *caucus.Error) {
	it, ok := q.item(key)
	if ok && it.kind != kindText {
		return item{}, false, wrongType()
	}
	return it, ok, nil
}

// bulk answers the string of a key, nil when it does not exist.
func (q *query) bulk(key string) caucus.Reply {
	it, ok, err := q.text(key)
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case !ok:
		return caucus.Nil()
	}
	return caucus.Bulk(it.text)
}

// value gives an argument as a value.
func (q *query) value(i int) value { return text(q.args[i]) }

func get(q *query) caucus.Reply { return q.bulk(q.args[1]) }

func mget(q *query) caucus.Reply {
	items := make([]caucus.Reply, 0, len(q.args)-1)
	for _, key := range q.args[1:] {
		if it, ok, _ := q.text(key); ok {
			items = append(items, caucus.Bulk(it.text))
			continue
		}
		items = append(items, caucus.Nil())
	}
	return caucus.Array(items...)
}

func length(q *query) caucus.Reply {
	it, _, err := q.text(q.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Int(int64(len(it.text)))
}

// set carries out SET with all its options.
func set(c *call) caucus.Reply {
	o, err := parseTextOptions(c.args[3:], true)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	at, err := o.at(c.now, "set")
	if err != nil {
		return caucus.ErrorReply(err)
	}
	key := c.args[1]
	reply := caucus.OK()
	if o.get {
		if reply = c.bulk(key); reply.Kind == caucus.KindError {
			return reply
		}
	}
	if o.nx || o.xx || o.keep {
		it, ok := c.item(key)
		if o.nx && ok || o.xx && !ok {
			if !o.get {
				return caucus.Nil()
			}
			return reply
		}
		if o.keep {
			at = it.expireAt
		}
	}
	c.m.put(wordSet, key, c.value(2), at)
	return reply
}

func setNX(c *call) caucus.Reply {
	if _, ok := c.item(c.args[1]); ok {
		return caucus.Int(0)
	}
	c.m.put(wordSet, c.args[1], c.value(2), 0)
	return caucus.Int(1)
}

// set carries out SETEX and PSETEX key time value.
func (t timeForm) set(c *call) caucus.Reply {
	at, err := t.positive(c.args[2], c.now, t.name)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	c.m.put(wordSet, c.args[1], c.value(3), at)
	return caucus.OK()
}

func getSet(c *call) caucus.Reply {
	old := c.bulk(c.args[1])
	if old.Kind != caucus.KindError {
		c.m.put(wordSet, c.args[1], c.value(2), 0)
	}
	return old
}

func getDel(c *call) caucus.Reply {
	old := c.bulk(c.args[1])
	if old.Kind == caucus.KindBulk {
		c.m.remove(wordDel, c.args[1])
	}
	return old
}

// getEx carries out GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST].
func getEx(c *call) caucus.Reply {
	o, err := parseTextOptions(c.args[2:], false)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	reply := c.bulk(c.args[1])
	if reply.Kind != caucus.KindBulk {
		return reply
	}
	at, err := o.at(c.now, "getex")
	if err != nil {
		return caucus.ErrorReply(err)
	}
	it, _ := c.item(c.args[1])
	switch {
	case at != 0:
		c.m.put(wordExpire, it.key, it.value, at)
	case o.persist && it.expireAt != 0:
		c.m.put(wordPersist, it.key, it.value, 0)
	}
	return reply
}

func mset(c *call) caucus.Reply {
	if len(c.args)%2 == 0 {
		return wrongNumber("mset")
	}
	c.putPairs()
	return caucus.OK()
}

func msetNX(c *call) caucus.Reply {
	if len(c.args)%2 == 0 {
		return wrongNumber("msetnx")
	}
	for i := 1; i < len(c.args); i += 2 {
		if _, ok := c.item(c.args[i]); ok {
			return caucus.Int(0)
		}
	}
	c.putPairs()
	return caucus.Int(1)
}

func wrongNumber(command string) caucus.Reply {
	return caucus.Fail(caucus.ErrBad, "wrong number of arguments for '%s' command", command)
}

func (c *call) putPairs() {
	for i := 1; i < len(c.args); i += 2 {
		c.m.put(wordSet, c.args[i], c.value(i+1), 0)
	}
}
