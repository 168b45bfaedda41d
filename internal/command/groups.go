package command

// groups are the commands about groups: who is in them, who leads, who has which share of the work.
func groups() []Spec {
	const since, family = "caucus 0.1", "group"
	const options = "[SETTLE milliseconds] [TTL milliseconds] [GRACE milliseconds] [MIN members] " +
		"[SLOTS slots] [NOLEADER]"
	return []Spec{
		{Name: "group|create", Arity: -3, Flags: Write | Fast, Group: family, Since: since,
			Usage: "group " + options, Complexity: "O(log(N))",
			Summary: "Makes a group that stays without members"},
		{Name: "group|join", Arity: -3, Flags: Write | DenyOOM, Group: family, Since: since,
			Usage:      "group [AS member] [META bytes] [PRIORITY number] " + options,
			Complexity: "O(log(N)), O(N) when the group settles at once",
			Summary:    "Joins a group, makes it if there is none, and opens a session if need be; answers the name"},
		{Name: "group|leave", Arity: 3, Flags: Write, Group: family, Since: since,
			Usage: "group", Complexity: "O(log(N)), O(N) when the group settles at once",
			Summary: "Leaves a group"},
		{Name: "group|index", Arity: -3, Flags: ReadOnly | Fast, Group: family, Since: since,
			Usage: "group [MEMBER member]", Complexity: "O(log(N))",
			Summary: "Answers a member's index, the number of members and the epoch, or nil while settling"},
		{Name: "group|leader", Arity: 3, Flags: ReadOnly | Fast, Group: family, Since: since,
			Usage: "group", Complexity: "O(log(N))",
			Summary: "Answers who leads, the term and the leader's metadata"},
		{Name: "group|members", Arity: -3, Flags: ReadOnly, Group: family, Since: since,
			Usage: "group [AFTER order] [COUNT count]", Complexity: "O(N) with N members answered",
			Summary: "Lists members in join order"},
		{Name: "group|info", Arity: 3, Flags: ReadOnly | Fast, Group: family, Since: since,
			Usage: "group", Complexity: "O(log(N))",
			Summary: "Describes a group"},
		{Name: "group|list", Arity: -2, Flags: ReadOnly, Group: family, Since: since,
			Usage: "[MATCH pattern]", Complexity: "O(N) with N groups",
			Summary: "Lists the names of groups"},
		{Name: "group|meta", Arity: 4, Flags: Write | DenyOOM | Fast, Group: family, Since: since,
			Usage: "group bytes", Complexity: "O(log(N))",
			Summary: "Replaces one's own metadata"},
		{Name: "group|resign", Arity: 3, Flags: Write | Fast, Group: family, Since: since,
			Usage: "group", Complexity: "O(log(N))",
			Summary: "Gives the leadership up and answers the next leader's term"},
		{Name: "group|help", Arity: 2, Flags: ReadOnly | Fast, Group: family, Since: since,
			Complexity: "O(1)", Summary: "Lists the subcommands"},
	}
}
