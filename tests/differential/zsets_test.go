package differential

func zsetGenerators() map[string]generator {
	members := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(zsets), d.words(1)) }
	}
	member := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(zsets), d.word()) }
	}
	pops := func(name string) generator {
		return func(d *draw) step {
			return one(name, d.key(zsets), d.options(40, []string{d.count()}))
		}
	}
	return map[string]generator{
		"zrem": members("ZREM"), "zmscore": members("ZMSCORE"), "zscore": member("ZSCORE"),
		"zrank":    member("ZRANK"),
		"zrevrank": member("ZREVRANK"), "zpopmin": pops("ZPOPMIN"), "zpopmax": pops("ZPOPMAX"),
		"zcard":   func(d *draw) step { return one("ZCARD", d.key(zsets)) },
		"zincrby": func(d *draw) step { return one("ZINCRBY", d.key(zsets), d.float(), d.word()) },
		"zadd":    addScores,
		"zmpop": func(d *draw) step {
			return one("ZMPOP", d.counted(d.keys(1, zsets)), d.popping(d.extreme()))
		},
		"zrandmember": func(d *draw) step {
			return one("ZRANDMEMBER", d.key(zsets), d.drawn("WITHSCORES"))
		},
		"zscan": func(d *draw) step {
			return one("ZSCAN", d.key(zsets), d.cursor(), d.scanning())
		},
	}
}

func (d *draw) extreme() string {
	if d.chance(3) {
		return "MIDDLE"
	}
	return d.of("MIN", "MAX")
}

func addScores(d *draw) step {
	if d.chance(25) {
		words := []string{"ZADD", d.key(lexes)}
		for _, w := range d.words(1) {
			words = append(words, "0", w)
		}
		return one(words)
	}
	words := append([]string{"ZADD", d.key(zsets)}, d.options(15, []string{"NX"}, []string{"XX"}, []string{"GT"},
		[]string{"LT"}, []string{"CH"}, []string{"INCR"})...)
	for range 1 + d.IntN(3) {
		words = append(words, d.float(), d.word())
	}
	return one(words)
}

// score draws a border of a range of scores.
func (d *draw) score() string {
	if d.chance(20) {
		return "(" + d.float()
	}
	if d.chance(20) {
		return d.of("-inf", "+inf")
	}
	return d.float()
}

// lex draws a border of a range of members.
func (d *draw) lex() string {
	if d.chance(5) {
		return d.of("a", "", "(", "[", "++")
	}
	return d.of("-", "+", "["+d.word(), "("+d.word())
}

func zrangeGenerators() map[string]generator {
	between := func(name, family string, border func(*draw) string, options ...string) generator {
		return func(d *draw) step {
			words := []string{name, d.key(family), border(d), border(d)}
			for _, o := range options {
				if o == "LIMIT" {
					words = append(words, d.options(20, []string{"LIMIT", d.index(), d.index()})...)
				} else {
					words = append(words, d.options(40, []string{o})...)
				}
			}
			return one(words)
		}
	}
	index, score, lex := (*draw).index, (*draw).score, (*draw).lex
	return map[string]generator{
		"zcount": between("ZCOUNT", zsets, score), "zlexcount": between("ZLEXCOUNT", lexes, lex),
		"zrangebyscore":    between("ZRANGEBYSCORE", zsets, score, "WITHSCORES", "LIMIT"),
		"zrevrangebyscore": between("ZREVRANGEBYSCORE", zsets, score, "WITHSCORES", "LIMIT"),
		"zrangebylex":      between("ZRANGEBYLEX", lexes, lex, "LIMIT"),
		"zrevrangebylex":   between("ZREVRANGEBYLEX", lexes, lex, "LIMIT"),
		"zrevrange":        between("ZREVRANGE", zsets, index, "WITHSCORES"),
		"zremrangebyrank":  between("ZREMRANGEBYRANK", zsets, index),
		"zremrangebyscore": between("ZREMRANGEBYSCORE", zsets, score),
		"zremrangebylex":   between("ZREMRANGEBYLEX", lexes, lex),
		"zrange":           func(d *draw) step { return one("ZRANGE", d.zrange()) },
		"zrangestore": func(d *draw) step {
			return one("ZRANGESTORE", d.key(zsets), d.zrange())
		},
	}
}

// zrange draws the arguments of a ZRANGE.
func (d *draw) zrange() []string {
	some := d.options(20, []string{"REV"}, []string{"LIMIT", d.index(), d.index()}, []string{"WITHSCORES"})
	switch d.IntN(3) {
	case 0:
		return append([]string{d.key(zsets), d.index(), d.index()}, some...)
	case 1:
		return append([]string{d.key(zsets), d.score(), d.score(), "BYSCORE"}, some...)
	}
	return append([]string{d.key(lexes), d.lex(), d.lex(), "BYLEX"}, some...)
}

func zstoreGenerators() map[string]generator {
	combined := func(name string, stores, weighs bool) generator {
		return func(d *draw) step {
			words := []string{name}
			if stores {
				words = append(words, d.key(zsets))
			}
			keys := d.keys(1, d.of(zsets, zsets, sets))
			words = append(words, d.counted(keys)...)
			if weighs {
				words = append(words, d.weighing(len(keys))...)
			}
			if !stores {
				words = append(words, d.options(30, []string{"WITHSCORES"})...)
			}
			return one(words)
		}
	}
	return map[string]generator{
		"zunion": combined("ZUNION", false, true), "zinter": combined("ZINTER", false, true),
		"zdiff": combined("ZDIFF", false, false), "zunionstore": combined("ZUNIONSTORE", true, true),
		"zinterstore": combined("ZINTERSTORE", true, true), "zdiffstore": combined("ZDIFFSTORE", true, false),
		"zintercard": func(d *draw) step {
			return one("ZINTERCARD", d.counted(d.keys(1, zsets)), d.options(40, []string{"LIMIT", d.count()}))
		},
	}
}

func (d *draw) weighing(keys int) (words []string) {
	if d.chance(30) {
		words = append(words, "WEIGHTS")
		for range keys {
			words = append(words, d.float())
		}
	}
	return append(words, d.options(30, []string{"AGGREGATE", d.of("SUM", "MIN", "MAX", "AVG")})...)
}
