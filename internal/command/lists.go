package command

const (
	toTheEnd  = "O(N) with N the number of elements pushed"
	fromAnEnd = "O(N) with N the number of elements taken"
	walked    = "O(N) with N the length of the list"
)

// lists are the commands about lists.
func lists() []Spec {
	rows := append(listReads(), listWrites()...)
	return of("list", append(append(oneKey(rows), listMoves()...), listPops()...))
}

func listReads() []Spec {
	return []Spec{
		{Name: "llen", Arity: 2, Flags: ReadOnly | Fast, Since: "1.0.0",
			Usage: "key", Summary: "Gives the length of a list"},
		{Name: "lindex", Arity: 3, Flags: ReadOnly, Since: "1.0.0",
			Complexity: "O(log(N)) with N the length of the list",
			Usage:      "key index", Summary: "Gives an element by its position; negative ones count from the end"},
		{Name: "lrange", Arity: 4, Flags: ReadOnly, Since: "1.0.0",
			Complexity: "O(log(N)+M) with N the length of the list and M the number of elements given",
			Usage:      "key start stop", Summary: "Gives a part of a list; negative positions count from the end"},
		{Name: "lpos", Arity: -3, Flags: ReadOnly, Since: "6.0.6", Complexity: walked,
			Usage:   "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
			Summary: "Finds where an element stands in a list"},
	}
}

func listWrites() []Spec {
	const grows = Write | DenyOOM
	return []Spec{
		{Name: "lpush", Arity: -3, Flags: grows | Fast, Since: "1.0.0", Complexity: toTheEnd,
			Usage:   "key element [element ...]",
			Summary: "Puts elements at the beginning of a list, one before the other"},
		{Name: "rpush", Arity: -3, Flags: grows | Fast, Since: "1.0.0", Complexity: toTheEnd,
			Usage: "key element [element ...]", Summary: "Puts elements at the end of a list"},
		{Name: "lpushx", Arity: -3, Flags: grows | Fast, Since: "2.2.0", Complexity: toTheEnd,
			Usage: "key element [element ...]", Summary: "Puts elements at the beginning of a list that exists"},
		{Name: "rpushx", Arity: -3, Flags: grows | Fast, Since: "2.2.0", Complexity: toTheEnd,
			Usage: "key element [element ...]", Summary: "Puts elements at the end of a list that exists"},
		{Name: "lpop", Arity: -2, Flags: Write | Fast, Since: "1.0.0", Complexity: fromAnEnd,
			Usage: "key [count]", Summary: "Takes elements from the beginning of a list"},
		{Name: "rpop", Arity: -2, Flags: Write | Fast, Since: "1.0.0", Complexity: fromAnEnd,
			Usage: "key [count]", Summary: "Takes elements from the end of a list"},
		{Name: "lset", Arity: 4, Flags: grows, Since: "1.0.0",
			Complexity: "O(log(N)) with N the length of the list",
			Usage:      "key index element", Summary: "Replaces an element by its position"},
		{Name: "ltrim", Arity: 4, Flags: Write, Since: "1.0.0", Complexity: fromAnEnd,
			Usage: "key start stop", Summary: "Leaves of a list only a part; negative positions count from the end"},
		{Name: "lrem", Arity: 4, Flags: Write, Since: "1.0.0", Complexity: walked,
			Usage:   "key count element",
			Summary: "Takes an element out of a list, so many times, from the end if below 0"},
		{Name: "linsert", Arity: 5, Flags: grows, Since: "2.2.0", Complexity: walked,
			Usage:   "key BEFORE | AFTER pivot element",
			Summary: "Puts an element beside the first that is like the pivot"},
	}
}

func listMoves() []Spec {
	const grows = Write | DenyOOM
	rows := []Spec{
		{Name: "lmove", Arity: 5, Flags: grows, Since: "6.2.0",
			Usage:   "source destination LEFT | RIGHT LEFT | RIGHT",
			Summary: "Takes an element from an end of one list and puts it at an end of another"},
		{Name: "rpoplpush", Arity: 3, Flags: grows, Since: "1.2.0",
			Usage: "source destination", Summary: "Moves the last element of a list to the beginning of another"},
		{Name: "blmove", Arity: 6, Flags: grows | Blocking, Since: "6.2.0", Timeout: -1,
			Usage:   "source destination LEFT | RIGHT LEFT | RIGHT timeout",
			Summary: "Moves an element as LMOVE does, and waits for one, so many seconds or with 0 without limit"},
		{Name: "brpoplpush", Arity: 4, Flags: grows | Blocking, Since: "2.2.0", Timeout: -1,
			Usage:   "source destination timeout",
			Summary: "Moves an element as RPOPLPUSH does, and waits for one, so many seconds or with 0 without limit"},
	}
	for i := range rows {
		rows[i].First, rows[i].Last, rows[i].Step = 1, 2, 1
	}
	return rows
}

func listPops() []Spec {
	return []Spec{
		{Name: "lmpop", Arity: -4, Flags: Write, Counted: 1, Since: "7.0.0", Complexity: fromAnEnd,
			Usage:   "numkeys key [key ...] LEFT | RIGHT [COUNT count]",
			Summary: "Takes elements from an end of the first list that exists"},
		{Name: "blpop", Arity: -3, Flags: Write | Blocking, First: 1, Last: -2, Step: 1, Since: "2.0.0",
			Timeout: -1,
			Usage:   "key [key ...] timeout", Complexity: keysGiven,
			Summary: "Takes the first element of the first list that exists, and waits for one, so many seconds or " +
				"with 0 without limit; who came first is served first"},
		{Name: "brpop", Arity: -3, Flags: Write | Blocking, First: 1, Last: -2, Step: 1, Since: "2.0.0",
			Timeout: -1,
			Usage:   "key [key ...] timeout", Complexity: keysGiven,
			Summary: "Takes the last element of the first list that exists, and waits for one as BLPOP does"},
		{Name: "blmpop", Arity: -5, Flags: Write | Blocking, Counted: 2, Since: "7.0.0", Timeout: 1,
			Complexity: fromAnEnd,
			Usage:      "timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]",
			Summary:    "Takes elements as LMPOP does, and waits for some as BLPOP does"},
	}
}
