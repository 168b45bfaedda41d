package command

// locks are the commands about locks: a lock is the leadership of a group whose name begins with "lock/".
func locks() []Spec {
	const since, family = "caucus 0.1", "lock"
	return []Spec{
		{Name: "lock|acquire", Arity: -3, Flags: Write | DenyOOM | Blocking, Group: family, Since: since,
			Usage: "name [WAIT milliseconds] [TTL milliseconds]", Complexity: "O(log(N)) with N those in line",
			Summary: "Takes a lock and answers its fencing term, or nil when it is not had, be it after a wait in " +
				"line; opens a session if need be"},
		{Name: "lock|release", Arity: 4, Flags: Write | Fast, Group: family, Since: since,
			Usage: "name term", Complexity: "O(log(N)) with N those in line",
			Summary: "Gives a lock back that is held under that term; the first in line has it at once"},
		{Name: "lock|help", Arity: 2, Flags: ReadOnly | Fast, Group: family, Since: since,
			Complexity: "O(1)", Summary: "Lists the subcommands"},
	}
}
