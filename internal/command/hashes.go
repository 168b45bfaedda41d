package command

const (
	fieldsGiven  = "O(N) with N the number of fields given"
	elementsHeld = "O(N log(N)) with N the number of elements, which are answered in order"
)

// hashes are the commands about hashes.
func hashes() []Spec { return of("hash", oneKey(append(hashReads(), hashWrites()...))) }

// oneKey says of rows that their first argument is their key.
func oneKey(rows []Spec) []Spec {
	for i := range rows {
		rows[i].First, rows[i].Last, rows[i].Step = 1, 1, 1
	}
	return rows
}

func hashReads() []Spec {
	return []Spec{
		{Name: "hget", Arity: 3, Flags: ReadOnly | Fast, Since: "2.0.0",
			Usage: "key field", Summary: "Gives the value of a field"},
		{Name: "hmget", Arity: -3, Flags: ReadOnly | Fast, Since: "2.0.0", Complexity: fieldsGiven,
			Usage: "key field [field ...]", Summary: "Gives the values of several fields, nil for those missing"},
		{Name: "hgetall", Arity: 2, Flags: ReadOnly, Since: "2.0.0", Complexity: elementsHeld,
			Usage: "key", Summary: "Gives all fields with their values, sorted by the bytes of the fields"},
		{Name: "hkeys", Arity: 2, Flags: ReadOnly, Since: "2.0.0", Complexity: elementsHeld,
			Usage: "key", Summary: "Gives all fields, sorted by bytes"},
		{Name: "hvals", Arity: 2, Flags: ReadOnly, Since: "2.0.0", Complexity: elementsHeld,
			Usage: "key", Summary: "Gives the values of all fields, sorted by the bytes of the fields"},
		{Name: "hlen", Arity: 2, Flags: ReadOnly | Fast, Since: "2.0.0",
			Usage: "key", Summary: "Counts the fields of a hash"},
		{Name: "hstrlen", Arity: 3, Flags: ReadOnly | Fast, Since: "3.2.0",
			Usage: "key field", Summary: "Gives the length of a field's value in bytes"},
		{Name: "hexists", Arity: 3, Flags: ReadOnly | Fast, Since: "2.0.0",
			Usage: "key field", Summary: "Says whether a hash has a field"},
		{Name: "hrandfield", Arity: -2, Flags: ReadOnly, Since: "6.2.0",
			Complexity: "O(N log(M)) with N the number of fields asked for, and M of those that there are",
			Usage:      "key [count [WITHVALUES]]",
			Summary:    "Gives fields drawn at random; with a negative count one may come several times"},
		{Name: "hscan", Arity: -3, Flags: ReadOnly, Since: "2.8.0",
			Complexity: "O(N) with N the COUNT, 10 unless given",
			Usage:      "key cursor [MATCH pattern] [COUNT count]",
			Summary:    "Goes through the fields of a hash in steps; the cursor is good on every node"},
	}
}

func hashWrites() []Spec {
	const grows = Write | DenyOOM
	return []Spec{
		{Name: "hset", Arity: -4, Flags: grows | Fast, Since: "2.0.0", Complexity: fieldsGiven,
			Usage: "key field value [field value ...]", Summary: "Sets fields and gives how many are new"},
		{Name: "hmset", Arity: -4, Flags: grows | Fast, Since: "2.0.0", Complexity: fieldsGiven,
			Usage: "key field value [field value ...]", Summary: "Sets fields, as HSET does"},
		{Name: "hsetnx", Arity: 4, Flags: grows | Fast, Since: "2.0.0",
			Usage: "key field value", Summary: "Sets a field unless it exists"},
		{Name: "hdel", Arity: -3, Flags: Write | Fast, Since: "2.0.0", Complexity: fieldsGiven,
			Usage:   "key field [field ...]",
			Summary: "Deletes fields and gives how many there were; a hash without fields is gone"},
		{Name: "hincrby", Arity: 4, Flags: grows | Fast, Since: "2.0.0",
			Usage: "key field increment", Summary: "Adds to the number in a field"},
		{Name: "hincrbyfloat", Arity: 4, Flags: grows | Fast, Since: "2.6.0",
			Usage: "key field increment", Summary: "Adds to the floating-point number in a field"},
	}
}
