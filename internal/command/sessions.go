package command

// sessions are the commands about a client's claim to be alive. The conversation rewrites them before they
// reach the machine, because only it knows the ids, of which the log holds hashes.
func sessions() []Spec {
	const since, family = "caucus 0.1", "session"
	return []Spec{
		{Name: "session|open", Arity: -2, Flags: Write | DenyOOM | Fast | NoMulti, Group: family, Since: since,
			Usage: "[TTL milliseconds] [GRACE milliseconds]", Complexity: "O(1)",
			Summary: "Opens a session that this connection carries from here on, and answers its id"},
		{Name: "session|resume", Arity: 3, Flags: Write | Fast | NoMulti, Group: family, Since: since,
			Usage: "id", Complexity: "O(1)",
			Summary: "Takes a session over to this connection from wherever it is"},
		{Name: "session|keepalive", Arity: -2, Flags: ReadOnly | NoMulti, Group: family, Since: since,
			Usage: "[id [id ...]]", Complexity: "O(N) with N groups of the session, or N ids",
			Summary: "Keeps sessions alive and answers what they may rely on, and for how long"},
		{Name: "session|info", Arity: -2, Flags: ReadOnly | NoMulti, Group: family, Since: since,
			Usage: "[id]", Complexity: "O(N) with N groups of the session",
			Summary: "Describes a session"},
		{Name: "session|close", Arity: -2, Flags: Write | NoMulti, Group: family, Since: since,
			Usage: "[id]", Complexity: "O(N*log(M)) with N groups of the session, of M members",
			Summary: "Ends a session; with an id it asserts that the session's process has stopped"},
		{Name: "session|help", Arity: 2, Flags: ReadOnly | Fast, Group: family, Since: since,
			Complexity: "O(1)", Summary: "Lists the subcommands"},
		{Name: "once", Arity: -3, Flags: Write | NoMulti, Home: Talk, Group: family, Since: since,
			Usage: "n command [arg ...]", Complexity: "that of the command",
			Summary: "Carries a command out exactly once for a number that rises within the session"},
	}
}
