package command

// votes are the commands about polls.
func votes() []Spec {
	const since, family = "caucus 0.1", "vote"
	return []Spec{
		{Name: "vote|call", Arity: -4, Flags: Write | DenyOOM, Group: family, Since: since,
			Usage:      "group topic [MAJORITY | CONSENSUS] [TIMEOUT milliseconds] [AT unix-time-milliseconds]",
			Complexity: "O(log(N))",
			Summary:    "Lets the members of a group vote, with AT on doing something at that time; answers the poll"},
		{Name: "vote|cast", Arity: 5, Flags: Write | Fast, Group: family, Since: since,
			Usage: "group poll <YES | NO>", Complexity: "O(log(N))",
			Summary: "Votes in a poll that was called after one has joined"},
		{Name: "vote|result", Arity: -4, Flags: ReadOnly | Blocking, Group: family, Since: since,
			Usage: "group poll [WAIT milliseconds]", Complexity: "O(log(N))",
			Summary: "Answers what a poll has come to, nil while it is open, and may wait for it; " +
				"meanwhile the connection keeps no session alive"},
		{Name: "vote|list", Arity: 3, Flags: ReadOnly, Group: family, Since: since,
			Usage: "group", Complexity: "O(N) with N polls",
			Summary: "Lists the polls of a group, those that have ended too while they can be read"},
		{Name: "vote|help", Arity: 2, Flags: ReadOnly | Fast, Group: family, Since: since,
			Complexity: "O(1)", Summary: "Lists the subcommands"},
	}
}
