package command

const membersGiven = "O(N) with N the number of members given"

// sets are the commands about sets.
func sets() []Spec {
	rows := oneKey(append(setReads(), setWrites()...))
	return of("set", append(rows, setAlgebra()...))
}

func setReads() []Spec {
	return []Spec{
		{Name: "smembers", Arity: 2, Flags: ReadOnly, Since: "1.0.0", Complexity: elementsHeld,
			Usage: "key", Summary: "Gives all members, sorted by bytes"},
		{Name: "sismember", Arity: 3, Flags: ReadOnly | Fast, Since: "1.0.0",
			Usage: "key member", Summary: "Says whether a set has a member"},
		{Name: "smismember", Arity: -3, Flags: ReadOnly | Fast, Since: "6.2.0", Complexity: membersGiven,
			Usage: "key member [member ...]", Summary: "Says of each of several members whether a set has it"},
		{Name: "scard", Arity: 2, Flags: ReadOnly | Fast, Since: "1.0.0",
			Usage: "key", Summary: "Counts the members of a set"},
		{Name: "srandmember", Arity: -2, Flags: ReadOnly, Since: "1.0.0",
			Complexity: "O(N log(M)) with N the number of members asked for, and M of those that there are",
			Usage:      "key [count]",
			Summary:    "Gives members drawn at random; with a negative count one may come several times"},
		{Name: "sscan", Arity: -3, Flags: ReadOnly, Since: "2.8.0",
			Complexity: "O(N) with N the COUNT, 10 unless given",
			Usage:      "key cursor [MATCH pattern] [COUNT count]",
			Summary:    "Goes through the members of a set in steps; the cursor is good on every node"},
	}
}

func setWrites() []Spec {
	return []Spec{
		{Name: "sadd", Arity: -3, Flags: Write | DenyOOM | Fast, Since: "1.0.0", Complexity: membersGiven,
			Usage: "key member [member ...]", Summary: "Adds members and gives how many are new"},
		{Name: "srem", Arity: -3, Flags: Write | Fast, Since: "1.0.0", Complexity: membersGiven,
			Usage: "key member [member ...]", Summary: "Removes members and gives how many there were"},
		{Name: "spop", Arity: -2, Flags: Write | Fast, Since: "1.0.0",
			Complexity: "O(N log(M)) with N the number of members asked for, and M of those that there are",
			Usage:      "key [count]", Summary: "Removes members drawn at random, and gives them"},
	}
}

// setAlgebra are the commands about several sets.
func setAlgebra() []Spec {
	const all = "O(N log(N)) with N the number of members of all the sets"
	rows := []Spec{
		{Name: "sinter", Summary: "Gives the members that all of the sets have, sorted by bytes"},
		{Name: "sunion", Summary: "Gives the members that any of the sets has, sorted by bytes"},
		{Name: "sdiff", Summary: "Gives the members that only the first of the sets has, sorted by bytes"},
	}
	for i := range rows {
		rows[i].Arity, rows[i].Flags, rows[i].Since = -2, ReadOnly, "1.0.0"
		rows[i].First, rows[i].Last, rows[i].Step = 1, -1, 1
		rows[i].Usage, rows[i].Complexity = "key [key ...]", all
	}
	stores := []Spec{
		{Name: "sinterstore", Summary: "Makes a set of the members that all of the sets have"},
		{Name: "sunionstore", Summary: "Makes a set of the members that any of the sets has"},
		{Name: "sdiffstore", Summary: "Makes a set of the members that the first set has and none of the others"},
	}
	for i := range stores {
		stores[i].Arity, stores[i].Flags, stores[i].Since = -3, Write|DenyOOM, "1.0.0"
		stores[i].First, stores[i].Last, stores[i].Step = 1, -1, 1
		stores[i].Usage, stores[i].Complexity = "destination key [key ...]", all
	}
	return append(append(rows, stores...),
		Spec{Name: "smove", Arity: 4, Flags: Write | Fast, First: 1, Last: 2, Step: 1, Since: "1.0.0",
			Usage: "source destination member", Summary: "Moves a member from one set to another"},
		Spec{Name: "sintercard", Arity: -3, Flags: ReadOnly, Counted: 1, Since: "7.0.0", Complexity: all,
			Usage: "numkeys key [key ...] [LIMIT limit]", Summary: "Counts the members that all of the sets have"})
}
