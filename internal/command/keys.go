package command

// keys are the commands about keys of any type.
func keys() []Spec {
	rows := append(keyReads(), keyWrites()...)
	rows = append(rows, expiry()...)
	for i := range rows {
		rows[i].First, rows[i].Step = 1, 1
		if rows[i].Last == 0 {
			rows[i].Last = 1
		}
	}
	rows = of("generic", append(rows, wholeKeyspace()...))
	return append(append(rows, of("generic", objects())...), of("server", databases())...)
}

const sorts = "O(N*log(N)) with N the number of elements"

func keyReads() []Spec {
	return []Spec{
		{Name: "exists", Arity: -2, Flags: ReadOnly | Fast, Last: -1, Since: "1.0.0", Complexity: keysGiven,
			Usage: "key [key ...]", Summary: "Counts how many of the keys exist; one named twice counts twice"},
		{Name: "touch", Arity: -2, Flags: ReadOnly | Fast, Last: -1, Since: "3.2.1", Complexity: keysGiven,
			Usage: "key [key ...]", Summary: "Counts how many of the keys exist; nothing is noted of the access"},
		{Name: "sort_ro", Arity: -2, Flags: ReadOnly, Since: "7.0.0", Complexity: sorts,
			Usage:   "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]",
			Summary: "Sorts a list, set or sorted set, and gives it"},
		{Name: "type", Arity: 2, Flags: ReadOnly | Fast, Since: "1.0.0",
			Usage: "key", Summary: "Gives the type of what a key holds"},
		{Name: "ttl", Arity: 2, Flags: ReadOnly | Fast, Since: "1.0.0",
			Usage: "key", Summary: "Gives the seconds until a key expires, -1 for never, -2 for no such key"},
		{Name: "pttl", Arity: 2, Flags: ReadOnly | Fast, Since: "2.6.0",
			Usage: "key", Summary: "Gives the milliseconds until a key expires, -1 for never, -2 for no such key"},
		{Name: "expiretime", Arity: 2, Flags: ReadOnly | Fast, Since: "7.0.0",
			Usage: "key", Summary: "Gives when a key expires in seconds since 1970, -1 for never, -2 for no such key"},
		{Name: "pexpiretime", Arity: 2, Flags: ReadOnly | Fast, Since: "7.0.0",
			Usage: "key", Summary: "Gives when a key expires, as EXPIRETIME does, in milliseconds"},
	}
}

func keyWrites() []Spec {
	return []Spec{
		{Name: "del", Arity: -2, Flags: Write, Last: -1, Since: "1.0.0", Complexity: keysGiven,
			Usage: "key [key ...]", Summary: "Deletes keys and gives how many there were"},
		{Name: "unlink", Arity: -2, Flags: Write | Fast, Last: -1, Since: "4.0.0", Complexity: keysGiven,
			Usage: "key [key ...]", Summary: "Deletes keys and gives how many there were, as DEL does"},
		{Name: "persist", Arity: 2, Flags: Write | Fast, Since: "2.2.0",
			Usage: "key", Summary: "Lets a key live for ever"},
		{Name: "rename", Arity: 3, Flags: Write, Last: 2, Since: "1.0.0",
			Usage: "key newkey", Summary: "Gives a key another name, in place of the key that has it"},
		{Name: "renamenx", Arity: 3, Flags: Write | Fast, Last: 2, Since: "1.0.0",
			Usage: "key newkey", Summary: "Gives a key another name unless a key has it"},
		{Name: "sort", Arity: -2, Flags: Write | DenyOOM, Since: "1.0.0", Complexity: sorts,
			Usage: "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] " +
				"[STORE destination]",
			Summary: "Sorts a list, set or sorted set, and gives it or stores it as a list"},
		{Name: "copy", Arity: -3, Flags: Write | DenyOOM, Last: 2, Since: "6.2.0",
			Usage: "source destination [DB 0] [REPLACE]", Summary: "Copies what a key holds, and its end, to another",
			Complexity: "O(1) for strings"},
	}
}

func expiry() []Spec {
	rows := []Spec{
		{Name: "expire", Since: "1.0.0", Usage: "key seconds",
			Summary: "Makes a key expire after some seconds"},
		{Name: "pexpire", Since: "2.6.0", Usage: "key milliseconds",
			Summary: "Makes a key expire after some milliseconds"},
		{Name: "expireat", Since: "1.2.0", Usage: "key unix-time-seconds",
			Summary: "Makes a key expire at a time in seconds since 1970"},
		{Name: "pexpireat", Since: "2.6.0", Usage: "key unix-time-milliseconds",
			Summary: "Makes a key expire at a time in milliseconds since 1970"},
	}
	for i := range rows {
		rows[i].Arity, rows[i].Flags = -3, Write|Fast
		rows[i].Usage += " [NX | XX | GT | LT]"
	}
	return rows
}

// wholeKeyspace are the commands that look at all keys.
func wholeKeyspace() []Spec {
	const all = "O(N) with N the number of all keys"
	return []Spec{
		{Name: "keys", Arity: 2, Flags: ReadOnly, Since: "1.0.0", Complexity: all,
			Usage: "pattern", Summary: "Gives all keys that match a pattern, sorted by bytes"},
		{Name: "scan", Arity: -2, Flags: ReadOnly, Since: "2.8.0",
			Complexity: "O(N) with N the COUNT, 10 unless given",
			Usage:      "cursor [MATCH pattern] [COUNT count] [TYPE type]",
			Summary:    "Goes through all keys in steps; the cursor is good on every node"},
		{Name: "changes", Arity: -3, Flags: ReadOnly | Blocking, Since: "caucus 0.1",
			Usage:      "FROM revision [MATCH pattern] [COUNT count] [BLOCK milliseconds]",
			Complexity: "O(log(N)+M) with N the changes that are kept, and M those from the revision on",
			Summary: "Reads the last 100,000 changes of keys from a revision on, and may wait for one; " +
				"FROM $ answers where the store is"},
		{Name: "randomkey", Arity: 1, Flags: ReadOnly, Since: "1.0.0", Complexity: "O(log(N))",
			Summary: "Gives a key drawn at random"},
	}
}

func objects() []Spec {
	rows := []Spec{
		{Name: "object|encoding", Arity: 3, Since: "2.2.3", Usage: "key",
			Summary: "Gives the encoding that Redis would have chosen for a value"},
		{Name: "object|freq", Arity: 3, Since: "4.0.0", Usage: "key",
			Summary: "Refused, because accesses are not counted"},
		{Name: "object|idletime", Arity: 3, Since: "2.2.3", Usage: "key",
			Summary: "Answers 0 for every key, because accesses are not noted"},
		{Name: "object|refcount", Arity: 3, Since: "2.2.3", Usage: "key",
			Summary: "Answers 1 for every key"},
		{Name: "object|revision", Arity: 3, Since: "caucus 0.1", Usage: "key",
			Summary: "Gives the revision of a key, which rises with every change and is never given twice"},
	}
	for i := range rows {
		rows[i].Flags = ReadOnly
		rows[i].First, rows[i].Last, rows[i].Step = 2, 2, 1
	}
	return append(rows, Spec{Name: "object|help", Arity: 2, Flags: Stale, Home: Talk, Since: "6.2.0",
		Summary: "Lists the subcommands"})
}

func databases() []Spec {
	const one = "O(1) for the keys, O(N) with N the number of other deadlines"
	return []Spec{
		{Name: "dbsize", Arity: 1, Flags: ReadOnly | Fast, Since: "1.0.0", Summary: "Counts the keys"},
		{Name: "flushall", Arity: -1, Flags: Write, Since: "1.0.0", Complexity: one,
			Usage: "[ASYNC | SYNC]", Summary: "Deletes all keys; groups and sessions stay"},
		{Name: "flushdb", Arity: -1, Flags: Write, Since: "1.0.0", Complexity: one,
			Usage: "[ASYNC | SYNC]", Summary: "Deletes all keys; groups and sessions stay"},
	}
}
