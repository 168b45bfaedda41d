package differential

func listGenerators() map[string]generator {
	pushes := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(lists), d.words(1)) }
	}
	pops := func(name string) generator {
		return func(d *draw) step {
			return one(name, d.key(lists), d.options(40, []string{d.count()}))
		}
	}
	ranges := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(lists), d.index(), d.index()) }
	}
	return map[string]generator{
		"lpush": pushes("LPUSH"), "rpush": pushes("RPUSH"), "lpushx": pushes("LPUSHX"), "rpushx": pushes("RPUSHX"),
		"lpop": pops("LPOP"), "rpop": pops("RPOP"), "lrange": ranges("LRANGE"), "ltrim": ranges("LTRIM"),
		"llen":   func(d *draw) step { return one("LLEN", d.key(lists)) },
		"lindex": func(d *draw) step { return one("LINDEX", d.key(lists), d.index()) },
		"lset":   func(d *draw) step { return one("LSET", d.key(lists), d.index(), d.word()) },
		"lrem":   func(d *draw) step { return one("LREM", d.key(lists), d.index(), d.word()) },
		"linsert": func(d *draw) step {
			return one("LINSERT", d.key(lists), d.of("BEFORE", "AFTER", "BEFORE", "AFTER", "NEAR"), d.word(), d.word())
		},
		"lpos": func(d *draw) step {
			return one("LPOS", d.key(lists), d.word(), d.options(30, []string{"RANK", d.index()},
				[]string{"COUNT", d.count()}, []string{"MAXLEN", d.count()}))
		},
		"rpoplpush": func(d *draw) step { return one("RPOPLPUSH", d.key(lists), d.key(lists)) },
		"lmove": func(d *draw) step {
			return one("LMOVE", d.key(lists), d.key(lists), d.end(), d.end())
		},
		"lmpop": func(d *draw) step {
			return one("LMPOP", d.counted(d.keys(1, lists)), d.popping(d.end()))
		},
	}
}

func (d *draw) end() string {
	if d.chance(3) {
		return "UP"
	}
	return d.of("LEFT", "RIGHT")
}

// count draws how many.
func (d *draw) count() string { return d.of("0", "1", "2", "3", "10", "-1", "x", "") }

// popping draws the end of an LMPOP or ZMPOP.
func (d *draw) popping(from string) []string {
	return append([]string{from}, d.options(40, []string{"COUNT", d.count()})...)
}

// patience draws how long to wait: not for long.
func (d *draw) patience() string {
	return d.of("0.001", "0.002", "0.001", "-1", "abc", "", "1e400", "9223372036854775807", "nan", " 1",
		"0x0.01")
}

// poppingGenerators draw what waits. Where it waits without a limit, it comes after something to be served
// with.
func poppingGenerators() map[string]generator {
	served := func(d *draw, with, cmd []string) step {
		if d.chance(50) {
			return append(one(with), one(cmd)...)
		}
		return one(cmd)
	}
	list := func(d *draw, cmd []string) step { return served(d, []string{"RPUSH", d.key(lists), d.word()}, cmd) }
	pops := func(name, family string) generator {
		return func(d *draw) step {
			return list(d, append(append([]string{name}, d.keys(1, family)...), d.patience()))
		}
	}
	many := func(name, family string, end func(*draw) string) generator {
		return func(d *draw) step {
			return list(d, append(append([]string{name, d.patience()}, d.counted(d.keys(1, family))...),
				d.popping(end(d))...))
		}
	}
	return map[string]generator{
		"blpop": pops("BLPOP", lists), "brpop": pops("BRPOP", lists),
		"bzpopmin": pops("BZPOPMIN", zsets), "bzpopmax": pops("BZPOPMAX", zsets),
		"blmpop": many("BLMPOP", lists, (*draw).end), "bzmpop": many("BZMPOP", zsets, (*draw).extreme),
		"brpoplpush": func(d *draw) step {
			return list(d, []string{"BRPOPLPUSH", d.key(lists), d.key(lists), d.patience()})
		},
		"blmove": func(d *draw) step {
			return list(d, []string{"BLMOVE", d.key(lists), d.key(lists), d.end(), d.end(), d.patience()})
		},
	}
}
