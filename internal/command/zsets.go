package command

const oneMember = "O(log(N)) with N the number of members"

// zsets are the commands about sorted sets.
func zsets() []Spec {
	rows := append(zsetReads(), zsetWrites()...)
	rows = append(append(rows, zsetRanges()...), zsetRemovals()...)
	return of("sorted-set", append(oneKey(rows), zsetAlgebra()...))
}

func zsetReads() []Spec {
	return []Spec{
		{Name: "zscore", Arity: 3, Flags: ReadOnly | Fast, Since: "1.2.0",
			Usage: "key member", Summary: "Gives the score of a member"},
		{Name: "zmscore", Arity: -3, Flags: ReadOnly | Fast, Since: "6.2.0", Complexity: membersGiven,
			Usage: "key member [member ...]", Summary: "Gives the scores of several members, nil for those missing"},
		{Name: "zcard", Arity: 2, Flags: ReadOnly | Fast, Since: "1.2.0",
			Usage: "key", Summary: "Counts the members of a sorted set"},
		{Name: "zrank", Arity: 3, Flags: ReadOnly | Fast, Since: "2.0.0", Complexity: oneMember,
			Usage: "key member", Summary: "Gives the rank of a member, 0 for that with the lowest score"},
		{Name: "zrevrank", Arity: 3, Flags: ReadOnly | Fast, Since: "2.0.0", Complexity: oneMember,
			Usage: "key member", Summary: "Gives the rank of a member, 0 for that with the highest score"},
		{Name: "zcount", Arity: 4, Flags: ReadOnly | Fast, Since: "2.0.0", Complexity: oneMember,
			Usage: "key min max", Summary: "Counts the members with scores in a range"},
		{Name: "zlexcount", Arity: 4, Flags: ReadOnly | Fast, Since: "2.8.9", Complexity: oneMember,
			Usage: "key min max", Summary: "Counts the members in a range of bytes, if all have the same score"},
		{Name: "zrandmember", Arity: -2, Flags: ReadOnly, Since: "6.2.0",
			Complexity: "O(N log(M)) with N the number of members asked for, and M of those that there are",
			Usage:      "key [count [WITHSCORES]]",
			Summary:    "Gives members drawn at random; with a negative count one may come several times"},
		{Name: "zscan", Arity: -3, Flags: ReadOnly, Since: "2.8.0",
			Complexity: "O(N) with N the COUNT, 10 unless given",
			Usage:      "key cursor [MATCH pattern] [COUNT count]",
			Summary:    "Goes through the members of a sorted set in steps; the cursor is good on every node"},
	}
}

func zsetWrites() []Spec {
	const popped = "O(N log(M)) with N the number of members asked for, and M of those that there are"
	return []Spec{
		{Name: "zadd", Arity: -4, Flags: Write | DenyOOM | Fast, Since: "1.2.0",
			Complexity: "O(N log(M)) with N the number of members given, and M of those that there are",
			Usage:      "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
			Summary:    "Adds members, or gives them other scores, and gives how many are new"},
		{Name: "zincrby", Arity: 4, Flags: Write | DenyOOM | Fast, Since: "1.2.0", Complexity: oneMember,
			Usage: "key increment member", Summary: "Adds to the score of a member"},
		{Name: "zrem", Arity: -3, Flags: Write | Fast, Since: "1.2.0", Complexity: membersGiven,
			Usage: "key member [member ...]", Summary: "Removes members and gives how many there were"},
		{Name: "zpopmin", Arity: -2, Flags: Write | Fast, Since: "5.0.0", Complexity: popped,
			Usage: "key [count]", Summary: "Removes the members with the lowest scores, and gives them"},
		{Name: "zpopmax", Arity: -2, Flags: Write | Fast, Since: "5.0.0", Complexity: popped,
			Usage: "key [count]", Summary: "Removes the members with the highest scores, and gives them"},
	}
}

const part = "O(log(N)+M) with N the number of members, and M of those in the range"

// zsetRanges are the commands that answer a part of a sorted set.
func zsetRanges() []Spec {
	const withLimit = " [LIMIT offset count]"
	rows := []Spec{
		{Name: "zrange", Since: "1.2.0",
			Usage:   "key start stop [BYSCORE | BYLEX] [REV]" + withLimit + " [WITHSCORES]",
			Summary: "Gives the members in a range of ranks, scores or bytes"},
		{Name: "zrevrange", Since: "1.2.0", Usage: "key start stop [WITHSCORES]",
			Summary: "Gives the members in a range of ranks, the highest first"},
		{Name: "zrangebyscore", Since: "1.0.5", Usage: "key min max [WITHSCORES]" + withLimit,
			Summary: "Gives the members in a range of scores"},
		{Name: "zrevrangebyscore", Since: "2.2.0", Usage: "key max min [WITHSCORES]" + withLimit,
			Summary: "Gives the members in a range of scores, the highest first"},
		{Name: "zrangebylex", Since: "2.8.9", Usage: "key min max" + withLimit,
			Summary: "Gives the members in a range of bytes, if all have the same score"},
		{Name: "zrevrangebylex", Since: "2.8.9", Usage: "key max min" + withLimit,
			Summary: "Gives the members in a range of bytes, the highest first"},
	}
	for i := range rows {
		rows[i].Arity, rows[i].Flags, rows[i].Complexity = -4, ReadOnly, part
	}
	return rows
}

func zsetRemovals() []Spec {
	rows := []Spec{
		{Name: "zremrangebyrank", Since: "2.0.0", Usage: "key start stop",
			Summary: "Removes the members in a range of ranks and gives how many there were"},
		{Name: "zremrangebyscore", Since: "1.2.0", Usage: "key min max",
			Summary: "Removes the members in a range of scores and gives how many there were"},
		{Name: "zremrangebylex", Since: "2.8.9", Usage: "key min max",
			Summary: "Removes the members in a range of bytes and gives how many there were"},
	}
	for i := range rows {
		rows[i].Arity, rows[i].Flags, rows[i].Complexity = 4, Write, part
	}
	return rows
}

// zsetAlgebra are the commands about several sorted sets.
func zsetAlgebra() []Spec {
	const all = "O(N log(N)) with N the number of members of all the sorted sets"
	const options = " [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]"
	rows := []Spec{
		{Name: "zunion", Usage: "numkeys key [key ...]" + options + " [WITHSCORES]",
			Summary: "Gives the members that any of the sorted sets has, in the order of their scores"},
		{Name: "zinter", Usage: "numkeys key [key ...]" + options + " [WITHSCORES]",
			Summary: "Gives the members that all of the sorted sets have, in the order of their scores"},
		{Name: "zdiff", Usage: "numkeys key [key ...] [WITHSCORES]",
			Summary: "Gives the members that only the first of the sorted sets has, in the order of their scores"},
	}
	for i := range rows {
		rows[i].Arity, rows[i].Flags, rows[i].Since, rows[i].Counted = -3, ReadOnly, "6.2.0", 1
	}
	stores := []Spec{
		{Name: "zunionstore", Since: "2.0.0", Usage: "destination numkeys key [key ...]" + options,
			Summary: "Makes a sorted set of the members that any of the sorted sets has"},
		{Name: "zinterstore", Since: "2.0.0", Usage: "destination numkeys key [key ...]" + options,
			Summary: "Makes a sorted set of the members that all of the sorted sets have"},
		{Name: "zdiffstore", Since: "6.2.0", Usage: "destination numkeys key [key ...]",
			Summary: "Makes a sorted set of the members that only the first of the sorted sets has"},
	}
	for i := range stores {
		stores[i].Arity, stores[i].Flags, stores[i].Counted = -4, Write|DenyOOM, 2
		stores[i].First, stores[i].Last, stores[i].Step = 1, 1, 1
	}
	rows = append(append(rows, stores...),
		Spec{Name: "zintercard", Arity: -3, Flags: ReadOnly, Since: "7.0.0", Counted: 1,
			Usage:   "numkeys key [key ...] [LIMIT limit]",
			Summary: "Counts the members that all of the sorted sets have"},
		Spec{Name: "bzpopmin", Arity: -3, Flags: Write | Fast | Blocking, First: 1, Last: -2, Step: 1, Timeout: -1,
			Since: "5.0.0", Usage: "key [key ...] timeout", Complexity: keysGiven,
			Summary: "Takes the member with the lowest score of the first sorted set that exists, and waits for one " +
				"as BLPOP does"},
		Spec{Name: "bzpopmax", Arity: -3, Flags: Write | Fast | Blocking, First: 1, Last: -2, Step: 1, Timeout: -1,
			Since: "5.0.0", Usage: "key [key ...] timeout", Complexity: keysGiven,
			Summary: "Takes the member with the highest score of the first sorted set that exists, and waits for " +
				"one as BLPOP does"},
		Spec{Name: "bzmpop", Arity: -5, Flags: Write | Blocking, Since: "7.0.0", Counted: 2, Timeout: 1,
			Usage:   "timeout numkeys key [key ...] MIN | MAX [COUNT count]",
			Summary: "Takes members as ZMPOP does, and waits for some as BLPOP does"},
		Spec{Name: "zmpop", Arity: -4, Flags: Write, Since: "7.0.0", Counted: 1,
			Usage:   "numkeys key [key ...] MIN | MAX [COUNT count]",
			Summary: "Removes members of the first sorted set that there is, and gives its name and them"},
		Spec{Name: "zrangestore", Arity: -5, Flags: Write | DenyOOM, Since: "6.2.0", First: 1, Last: 2, Step: 1,
			Usage:   "destination source min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
			Summary: "Makes a sorted set of the members in a range of another", Complexity: part})
	for i := range rows {
		if rows[i].Complexity == "" {
			rows[i].Complexity = all
		}
	}
	return rows
}
