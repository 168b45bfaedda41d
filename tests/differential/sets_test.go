package differential

func setGenerators() map[string]generator {
	members := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(sets), d.words(1)) }
	}
	onKeys := func(name string) generator {
		return func(d *draw) step { return one(name, d.keys(1, sets)) }
	}
	stores := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(sets), d.keys(1, sets)) }
	}
	return map[string]generator{
		"sadd": members("SADD"), "srem": members("SREM"), "smismember": members("SMISMEMBER"),
		"sinter": onKeys("SINTER"), "sunion": onKeys("SUNION"), "sdiff": onKeys("SDIFF"),
		"sinterstore": stores("SINTERSTORE"), "sunionstore": stores("SUNIONSTORE"),
		"sdiffstore": stores("SDIFFSTORE"),
		"sismember":  func(d *draw) step { return one("SISMEMBER", d.key(sets), d.word()) },
		"scard":      func(d *draw) step { return one("SCARD", d.key(sets)) },
		"smembers":   func(d *draw) step { return one("SMEMBERS", d.key(sets)) },
		"smove":      func(d *draw) step { return one("SMOVE", d.key(sets), d.key(sets), d.word()) },
		"sintercard": func(d *draw) step {
			return one("SINTERCARD", d.counted(d.keys(1, sets)), d.options(40, []string{"LIMIT", d.count()}))
		},
		"srandmember": func(d *draw) step {
			return one("SRANDMEMBER", d.key(sets), d.options(70, []string{d.drawnCount()}))
		},
		"spop": func(d *draw) step { // what is left depends on the draw, so nothing may be left
			key := d.key(sets)
			return append(one("SPOP", key, d.options(70, []string{d.drawnCount()})), one("DEL", key)...)
		},
		"sscan": func(d *draw) step {
			return one("SSCAN", d.key(sets), d.cursor(), d.scanning())
		},
	}
}

func (d *draw) drawnCount() string { return d.of("0", "1", "2", "5", "-1", "-3", "-7", "x") }
