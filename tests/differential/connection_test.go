package differential

import "strconv"

func connectionGenerators() map[string]generator {
	fixed := func(words ...string) generator { return func(*draw) step { return one(words) } }
	return map[string]generator{
		"ping": func(d *draw) step {
			return one("PING", d.options(40, []string{d.value()}))
		},
		"echo":      func(d *draw) step { return one("ECHO", d.value()) },
		"select":    func(d *draw) step { return one("SELECT", d.of("0", "-1", "16", "abc", "", "99999999999")) },
		"readonly":  func(*draw) step { return append(one("DISCARD"), one("READONLY")...) }, // not in a transaction
		"readwrite": func(*draw) step { return append(one("DISCARD"), one("READWRITE")...) },
		"debug":     func(d *draw) step { return one("DEBUG", d.of("SLEEP", "OBJECT"), "0") },
		"reset": func(d *draw) step {
			return append(one("RESET"), one("HELLO", strconv.Itoa(d.protocol))...)
		},
		"publish":         func(d *draw) step { return one("PUBLISH", d.word(), d.value()) },
		"config|set":      func(d *draw) step { return one("CONFIG", "SET", "maxmemory", d.of("0", "abc", "-1")) },
		"command":         fixed("COMMAND"),
		"command|count":   fixed("COMMAND", "COUNT"),
		"command|docs":    fixed("COMMAND", "DOCS", "get"),
		"command|help":    fixed("COMMAND", "HELP"),
		"command|info":    fixed("COMMAND", "INFO", "get", "nosuch"),
		"command|list":    fixed("COMMAND", "LIST"),
		"command|getkeys": commandKeys,
		"config|help":     fixed("CONFIG", "HELP"),
		"pubsub|help":     fixed("PUBSUB", "HELP"),
	}
}

func commandKeys(d *draw) step {
	words := []string{"COMMAND", "GETKEYS"}
	switch d.IntN(5) {
	case 0:
		words = append(words, "GET", d.anyKey())
	case 1:
		words = append(append(words, "MSET"), d.pairs()...)
	case 2:
		words = append(words, "RENAME", d.anyKey(), d.anyKey())
	case 3:
		words = append(append(words, "DEL"), d.keys(1, texts)...)
	default:
		words = append(words, d.of("PING", "NOSUCH", "ECHO", "GET", "SET"), d.anyKey())
	}
	return one(words)
}

func transactionGenerators() map[string]generator {
	return map[string]generator{
		"multi":   func(*draw) step { return one("MULTI") },
		"exec":    func(*draw) step { return one("EXEC") },
		"discard": func(*draw) step { return one("DISCARD") },
		"unwatch": func(*draw) step { return one("UNWATCH") },
		"watch": func(d *draw) step {
			return one("WATCH", d.keys(1, d.family()))
		},
	}
}
