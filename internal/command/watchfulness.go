package command

// watchfulness lists what people look at when a node is slow or large: SLOWLOG, LATENCY, MEMORY.
func watchfulness() []Spec {
	rows := of("server", []Spec{
		{Name: "slowlog|get", Arity: -2, Most: 3, Home: Door, Since: "2.2.12", Usage: "[count]",
			Summary:    "Gives commands that were slow at this node, newest first: 10, or so many, or all for -1",
			Complexity: "O(N) with N the number given"},
		{Name: "slowlog|help", Arity: 2, Home: Door, Since: "6.2.0", Summary: "Lists the subcommands"},
		{Name: "slowlog|len", Arity: 2, Home: Door, Since: "2.2.12", Summary: "Counts what SLOWLOG GET -1 gives"},
		{Name: "slowlog|reset", Arity: 2, Home: Door, Since: "2.2.12", Summary: "Empties the slow log"},
		{Name: "latency|doctor", Arity: 2, Home: Node, Since: "2.8.13",
			Summary: "Says where to look, since events are not sampled here"},
		{Name: "latency|help", Arity: 2, Home: Talk, Since: "2.8.13", Summary: "Lists the subcommands"},
		{Name: "latency|history", Arity: 3, Home: Node, Since: "2.8.13", Usage: "event",
			Summary: "Answers that there are no samples"},
		{Name: "latency|latest", Arity: 2, Home: Node, Since: "2.8.13",
			Summary: "Answers that there are no samples"},
		{Name: "latency|reset", Arity: -2, Home: Node, Since: "2.8.13", Usage: "[event ...]",
			Summary: "Answers 0: there is nothing to be reset"},
		{Name: "memory|doctor", Arity: 2, Home: Node, Since: "4.0.0",
			Summary: "Says whether the limit on memory is near"},
		{Name: "memory|help", Arity: 2, Home: Talk, Since: "4.0.0", Summary: "Lists the subcommands"},
		{Name: "memory|purge", Arity: 2, Home: Node, Since: "4.0.0",
			Summary: "Gives memory that is not used back to the system"},
		{Name: "memory|stats", Arity: 2, Home: Node, Since: "4.0.0",
			Summary: "Says how much memory this node and its keys take"},
	})
	for i := range rows {
		rows[i].Flags = Stale
		if rows[i].Home == Door {
			rows[i].Flags |= NoMulti
		}
	}
	return append(rows, of("server", []Spec{{Name: "memory|usage", Arity: -3, Flags: ReadOnly, First: 2, Last: 2,
		Step: 1, Since: "4.0.0", Usage: "key [SAMPLES count]",
		Summary: "Gives the bytes that a key and its value are counted with; nothing is sampled"}})...)
}
