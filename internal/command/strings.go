package command

// texts are the commands about strings.
func texts() []Spec {
	rows := append(textReads(), textWrites()...)
	for i := range rows {
		s := &rows[i]
		s.First, s.Step = 1, max(s.Step, 1)
		if s.Last == 0 {
			s.Last = 1
		}
	}
	return of("string", rows)
}

const (
	bytesOf   = "O(N) with N the length of the string"
	keysGiven = "O(N) with N the number of keys"
)

func textReads() []Spec {
	return []Spec{
		{Name: "get", Arity: 2, Flags: ReadOnly | Fast, Since: "1.0.0",
			Usage: "key", Summary: "Gives the string of a key"},
		{Name: "mget", Arity: -2, Flags: ReadOnly | Fast, Last: -1, Since: "1.0.0", Complexity: keysGiven,
			Usage: "key [key ...]", Summary: "Gives the strings of several keys, nil for those without one"},
		{Name: "strlen", Arity: 2, Flags: ReadOnly | Fast, Since: "2.2.0",
			Usage: "key", Summary: "Gives the length of a string in bytes"},
		{Name: "getrange", Arity: 4, Flags: ReadOnly, Since: "2.4.0", Complexity: bytesOf,
			Usage: "key start end", Summary: "Gives a part of a string; negative positions count from its end"},
		{Name: "lcs", Arity: -3, Flags: ReadOnly, Last: 2, Since: "7.0.0",
			Complexity: "O(N*M) with N and M the lengths of the strings, which may be 16,777,216 at most",
			Usage:      "key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]",
			Summary:    "Finds the longest common subsequence of two strings"},
		{Name: "substr", Arity: 4, Flags: ReadOnly, Since: "1.0.0", Complexity: bytesOf,
			Usage: "key start end", Summary: "Gives a part of a string; the old name of GETRANGE"},
	}
}

func textWrites() []Spec {
	const grows = Write | DenyOOM
	return []Spec{
		{Name: "set", Arity: -3, Flags: grows, Since: "1.0.0",
			Usage: "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | " +
				"PXAT unix-time-milliseconds | KEEPTTL]",
			Summary: "Sets a key to a string, whatever it held before"},
		{Name: "setnx", Arity: 3, Flags: grows | Fast, Since: "1.0.0",
			Usage: "key value", Summary: "Sets a key to a string unless the key exists"},
		{Name: "setex", Arity: 4, Flags: grows, Since: "2.0.0",
			Usage: "key seconds value", Summary: "Sets a key to a string and to expire after some seconds"},
		{Name: "psetex", Arity: 4, Flags: grows, Since: "2.6.0",
			Usage: "key milliseconds value", Summary: "Sets a key to a string and to expire after some milliseconds"},
		{Name: "getset", Arity: 3, Flags: grows | Fast, Since: "1.0.0",
			Usage: "key value", Summary: "Sets a key to a string and gives the one before"},
		{Name: "getdel", Arity: 2, Flags: Write | Fast, Since: "6.2.0",
			Usage: "key", Summary: "Gives the string of a key and deletes the key"},
		{Name: "getex", Arity: -2, Flags: Write | Fast, Since: "6.2.0",
			Usage: "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | " +
				"PXAT unix-time-milliseconds | PERSIST]",
			Summary: "Gives the string of a key and changes when the key expires"},
		{Name: "mset", Arity: -3, Flags: grows, Last: -1, Step: 2, Since: "1.0.1", Complexity: keysGiven,
			Usage: "key value [key value ...]", Summary: "Sets several keys to strings"},
		{Name: "msetnx", Arity: -3, Flags: grows, Last: -1, Step: 2, Since: "1.0.1", Complexity: keysGiven,
			Usage: "key value [key value ...]", Summary: "Sets several keys to strings unless one of the keys exists"},
		{Name: "append", Arity: 3, Flags: grows | Fast, Since: "2.0.0", Complexity: bytesOf,
			Usage: "key value", Summary: "Adds to the end of a string, which begins empty"},
		{Name: "setrange", Arity: 4, Flags: grows, Since: "2.2.0", Complexity: bytesOf,
			Usage: "key offset value", Summary: "Overwrites a part of a string; a gap before it is zero bytes"},
		{Name: "incr", Arity: 2, Flags: grows | Fast, Since: "1.0.0",
			Usage: "key", Summary: "Adds 1 to the integer in a key, which begins as 0"},
		{Name: "decr", Arity: 2, Flags: grows | Fast, Since: "1.0.0",
			Usage: "key", Summary: "Takes 1 from the integer in a key, which begins as 0"},
		{Name: "incrby", Arity: 3, Flags: grows | Fast, Since: "1.0.0",
			Usage: "key increment", Summary: "Adds to the integer in a key, which begins as 0"},
		{Name: "decrby", Arity: 3, Flags: grows | Fast, Since: "1.0.0",
			Usage: "key decrement", Summary: "Takes from the integer in a key, which begins as 0"},
		{Name: "incrbyfloat", Arity: 3, Flags: grows | Fast, Since: "2.6.0",
			Usage: "key increment", Summary: "Adds to the number in a key, which begins as 0"},
	}
}
