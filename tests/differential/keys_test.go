package differential

func keyGenerators() map[string]generator {
	onKey := func(name string) generator { return func(d *draw) step { return one(name, d.anyKey()) } }
	onKeys := func(name string) generator {
		return func(d *draw) step { return one(name, d.keys(1, d.family())) }
	}
	object := func(sub string) generator { return func(d *draw) step { return one("OBJECT", sub, d.anyKey()) } }
	two := func(name string) generator {
		return func(d *draw) step {
			family := d.family()
			return one(name, d.key(family), d.key(family))
		}
	}
	flush := func(name string) generator {
		return func(d *draw) step { // nothing may be watched, see the reason "watch"
			return append(append(one("DISCARD"), one("UNWATCH")...),
				one(name, d.options(20, []string{"ASYNC"}, []string{"SYNC"}, []string{"NOW"}))...)
		}
	}
	return map[string]generator{
		"exists": onKeys("EXISTS"), "touch": onKeys("TOUCH"), "del": onKeys("DEL"), "unlink": onKeys("UNLINK"),
		"type": onKey("TYPE"), "ttl": onKey("TTL"), "pttl": onKey("PTTL"), "expiretime": onKey("EXPIRETIME"),
		"pexpiretime": onKey("PEXPIRETIME"), "persist": onKey("PERSIST"),
		"rename": two("RENAME"), "renamenx": two("RENAMENX"),
		"object|encoding": object("ENCODING"), "object|freq": object("FREQ"), "object|idletime": object("IDLETIME"),
		"object|refcount": object("REFCOUNT"), "object|help": func(*draw) step { return one("OBJECT", "HELP") },
		"memory|usage": func(d *draw) step {
			return one("MEMORY", "USAGE", d.key(d.family()), d.options(20, []string{"SAMPLES", d.of("0", "5", "-1",
				"x")}))
		},
		"memory|help":  func(*draw) step { return one("MEMORY", "HELP") },
		"latency|help": func(*draw) step { return one("LATENCY", "HELP") },
		"flushall":     flush("FLUSHALL"), "flushdb": flush("FLUSHDB"),
		"dbsize":    func(*draw) step { return one("DBSIZE") },
		"randomkey": func(*draw) step { return one("RANDOMKEY") },
		"keys":      func(d *draw) step { return one("KEYS", d.pattern()) },
		"scan": func(d *draw) step {
			return one("SCAN", d.cursor(), d.scanning(), d.options(25, []string{"TYPE", d.of("string", "HASH",
				"list", "set", "zset", "none")}))
		},
		"copy": func(d *draw) step {
			family := d.family()
			return one("COPY", d.key(family), d.key(family), d.options(30, []string{"REPLACE"}, []string{"DB",
				d.of("0", "0", "abc", "-1", "16")}))
		},
		"sort":    sorting("SORT", true),
		"sort_ro": sorting("SORT_RO", false),
	}
}

// sorting draws a SORT whose order is whole, so that no order of a hash table shows.
func sorting(name string, stores bool) generator {
	return func(d *draw) step {
		words := []string{name, d.key(d.of(lists, sets, zsets, lists)), "ALPHA"}
		var before step
		if d.chance(30) {
			words = words[:2]
			if d.chance(30) {
				before = append(one("DEL", words[1]), one("RPUSH", words[1], d.numbers())...)
			}
		}
		words = append(words, d.options(25, []string{"LIMIT", d.index(), d.index()}, []string{d.of("ASC", "DESC")},
			[]string{"GET", "#"}, []string{"GET", d.of("s*", "h*->f1", "l*", "nokey")})...)
		if stores {
			words = append(words, d.options(15, []string{"STORE", d.key(lists)})...)
		}
		// Redis takes what an earlier command has left in errno for a mistake of its own.
		return append(append(before, one("HINCRBYFLOAT", "h1", "f1", "0")...), one(words)...)
	}
}

// numbers draws what SORT may take for numbers, also where they are out of range, or end.
func (d *draw) numbers() []string {
	all := []string{d.float(), d.float(), d.integer()}
	for range d.IntN(3) {
		all = append(all, d.of("1e4900", "-1e400", "1e-400", "1e-4900", "5e-324", "-0x1p-1074", "1e-320",
			"2.2250738585072014e-308", "2.2250738585072011e-308", "0x0.fffffffffffff8p-1022",
			"0x0.fffffffffffffcp-1022", "-1.8e308", "0x1p1024", "7\x00x", "\x00", "  ", "\t-3",
			"0x", "1e", "0e99999999999", "00001e0000000000001", ".5", "-.5e1"))
	}
	return all
}

func expiryGenerators() map[string]generator {
	gens := map[string]generator{}
	conditions := func(d *draw) []string {
		if d.chance(60) {
			return nil
		}
		return d.options(30, []string{"NX"}, []string{"XX"}, []string{"GT"}, []string{"LT"}, []string{"NO"})
	}
	for _, g := range []struct {
		row, name string
		when      func(*draw) string
	}{
		{"expire", "EXPIRE", func(d *draw) string { return d.far(1) }},
		{"pexpire", "PEXPIRE", func(d *draw) string { return d.far(1000) }},
		{"expireat", "EXPIREAT", func(d *draw) string { return d.date(1) }},
		{"pexpireat", "PEXPIREAT", func(d *draw) string { return d.date(1000) }},
	} {
		gens[g.row] = func(d *draw) step {
			return one(g.name, d.anyKey(), g.when(d), conditions(d))
		}
	}
	return gens
}

func (d *draw) pattern() string {
	return d.of("*", "s*", "?1", "[sh]*", "[^s]?", "[a-t]1", "\\s1", "nokey", "", "*1*", "[", "s[1-2]", "**",
		"f?", "[z-a]*")
}

// cursor draws where a scan goes on: mostly at the beginning, because no cursor of one side is one of the
// other.
func (d *draw) cursor() string {
	if d.chance(10) {
		return d.of("abc", "-1", "", "18446744073709551616", "1.5", "00")
	}
	return "0"
}

func (d *draw) scanning() []string {
	return d.options(40, []string{"MATCH", d.pattern()}, []string{"COUNT", d.of("1000", "1000", "1000", "3",
		"0", "x", "-1")})
}
