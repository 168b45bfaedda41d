package command

// acl lists what is about users. SETUSER goes through the client's node, which makes hashes of passwords, so
// that none of them reaches the log.
func acl() []Spec {
	rows := of("server", []Spec{
		{Name: "acl|cat", Arity: -2, Most: 3, Home: Talk, Since: "6.0.0", Usage: "[category]",
			Summary: "Names the categories of commands, or the commands of one"},
		{Name: "acl|deluser", Arity: -3, Flags: Admin | Write, Since: "6.0.0", Usage: "username [username ...]",
			Summary:    "Removes users, and cuts their connections on all nodes",
			Complexity: "O(N) with N the number of users"},
		{Name: "acl|dryrun", Arity: -4, Flags: Admin | ReadOnly, Since: "7.0.0",
			Usage: "username command [arg ...]", Summary: "Says whether a user might have a command carried out"},
		{Name: "acl|getuser", Arity: 3, Flags: Admin | ReadOnly, Since: "6.0.0", Usage: "username",
			Summary: "Describes a user", Complexity: "O(N) with N the rules of the user"},
		{Name: "acl|help", Arity: 2, Home: Talk, Since: "6.0.0", Summary: "Lists the subcommands"},
		{Name: "acl|list", Arity: 2, Flags: Admin | ReadOnly, Since: "6.0.0",
			Summary: "Describes all users, each by the rules that make him", Complexity: "O(N) with N the users"},
		{Name: "acl|log", Arity: -2, Most: 3, Flags: Admin, Home: Node, Since: "6.0.0", Usage: "[count | RESET]",
			Summary:    "Tells what this node has denied to users and to who wanted to log in",
			Complexity: "O(N) with N the number of entries"},
		{Name: "acl|setuser", Arity: -3, Flags: Admin | NoMulti, Home: Node, Since: "6.0.0",
			Usage: "username [rule [rule ...]]", Summary: "Makes or changes a user of the ensemble",
			Complexity: "O(N) with N the users, and a slow hash for each password"},
		{Name: "acl|users", Arity: 2, Flags: Admin | ReadOnly, Since: "6.0.0", Summary: "Names all users",
			Complexity: "O(N) with N the users"},
		{Name: "acl|whoami", Arity: 2, Home: Talk, Since: "6.0.0", Summary: "Names the user who speaks"},
	})
	for i := range rows {
		if rows[i].Home == Talk {
			rows[i].Flags |= Stale
		}
	}
	return rows
}
