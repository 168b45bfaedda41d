package differential

func hashGenerators() map[string]generator {
	onKey := func(name string) generator { return func(d *draw) step { return one(name, d.key(hashes)) } }
	onField := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(hashes), d.field()) }
	}
	onFields := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(hashes), d.field(), d.fields()) }
	}
	sets := func(name string) generator {
		return func(d *draw) step { return one(name, d.key(hashes), d.fieldValues()) }
	}
	return map[string]generator{
		"hset": sets("HSET"), "hmset": sets("HMSET"), "hdel": onFields("HDEL"), "hmget": onFields("HMGET"),
		"hget": onField("HGET"), "hexists": onField("HEXISTS"), "hstrlen": onField("HSTRLEN"),
		"hlen": onKey("HLEN"), "hkeys": onKey("HKEYS"), "hvals": onKey("HVALS"), "hgetall": onKey("HGETALL"),
		"hsetnx":       func(d *draw) step { return one("HSETNX", d.key(hashes), d.field(), d.value()) },
		"hincrby":      func(d *draw) step { return one("HINCRBY", d.key(hashes), d.field(), d.integer()) },
		"hincrbyfloat": func(d *draw) step { return one("HINCRBYFLOAT", d.key(hashes), d.field(), d.float()) },
		"hrandfield": func(d *draw) step {
			return one("HRANDFIELD", d.key(hashes), d.drawn("WITHVALUES"))
		},
		"hscan": func(d *draw) step {
			return one("HSCAN", d.key(hashes), d.cursor(), d.scanning())
		},
	}
}

func (d *draw) fields() (all []string) {
	for range d.IntN(3) {
		all = append(all, d.field())
	}
	return all
}

func (d *draw) fieldValues() (all []string) {
	for range 1 + d.IntN(3) {
		all = append(all, d.field(), d.value())
	}
	if d.chance(3) {
		all = all[1:]
	}
	return all
}

// drawn draws how many elements shall be drawn at random, and with what.
func (d *draw) drawn(with string) []string {
	if d.chance(30) {
		return nil
	}
	return append([]string{d.of("0", "1", "2", "5", "-1", "-3", "-7", "x", "9223372036854775807")},
		d.options(30, []string{with})...)
}
