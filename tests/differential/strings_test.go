package differential

func textGenerators() map[string]generator {
	onKey := func(name string) generator { return func(d *draw) step { return one(name, d.key(texts)) } }
	keyValue := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(texts), d.value()) }
	}
	byInteger := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(texts), d.integer()) }
	}
	part := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(texts), d.index(), d.index()) }
	}
	return map[string]generator{
		"get": onKey("GET"), "strlen": onKey("STRLEN"), "getdel": onKey("GETDEL"), "incr": onKey("INCR"),
		"decr": onKey("DECR"), "setnx": keyValue("SETNX"), "getset": keyValue("GETSET"),
		"append": keyValue("APPEND"),
		"incrby": byInteger("INCRBY"), "decrby": byInteger("DECRBY"), "getrange": part("GETRANGE"),
		"substr":      part("SUBSTR"),
		"mget":        func(d *draw) step { return one("MGET", d.keys(1, texts)) },
		"mset":        func(d *draw) step { return one("MSET", d.pairs()) },
		"msetnx":      func(d *draw) step { return one("MSETNX", d.pairs()) },
		"incrbyfloat": func(d *draw) step { return one("INCRBYFLOAT", d.key(texts), d.float()) },
		"setrange": func(d *draw) step {
			return one("SETRANGE", d.key(texts), d.of("0", "1", "5", "20", "-1", "99999999999", "x", "536870912"),
				d.value())
		},
		"setex":  func(d *draw) step { return one("SETEX", d.key(texts), d.far(1), d.value()) },
		"psetex": func(d *draw) step { return one("PSETEX", d.key(texts), d.far(1000), d.value()) },
		"set": func(d *draw) step {
			return one("SET", d.key(texts), d.value(), d.options(12, []string{"NX"}, []string{"XX"},
				[]string{"GET"}, []string{"KEEPTTL"}, d.ending(), d.ending(), []string{"PERSIST"}))
		},
		"getex": func(d *draw) step {
			return one("GETEX", d.key(texts), d.options(25, []string{"PERSIST"}, d.ending(), d.ending()))
		},
		"lcs": func(d *draw) step {
			return one("LCS", d.key(texts), d.key(texts), d.options(25, []string{"LEN"}, []string{"IDX"},
				[]string{"MINMATCHLEN", d.integer()}, []string{"WITHMATCHLEN"}))
		},
	}
}

func (d *draw) pairs() (words []string) {
	for range 1 + d.IntN(3) {
		words = append(words, d.key(texts), d.value())
	}
	if d.chance(4) {
		words = words[1:]
	}
	return words
}
