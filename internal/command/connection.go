package command

// connection lists what is about one connection. What needs the protocol or the socket is the door's; the
// rest is the conversation's own, so that HTTP can ask it too.
func connection() []Spec {
	rows := []Spec{
		{Name: "auth", Arity: -2, Flags: Fast | NoAuth | Stale | NoMulti, Home: Door, Since: "1.0.0",
			Usage: "[username] password", Summary: "Authenticates the connection"},
		{Name: "hello", Arity: -1, Flags: Fast | NoAuth | Stale | NoMulti, Home: Door, Since: "6.0.0",
			Usage:   "[protover [AUTH username password] [SETNAME clientname]]",
			Summary: "Chooses RESP2 or RESP3, and may authenticate and name the connection"},
		{Name: "quit", Arity: -1, Flags: Fast | NoAuth | Stale, Home: Door, Since: "1.0.0",
			Summary: "Closes the connection"},
		{Name: "reset", Arity: 1, Flags: Fast | NoAuth | Stale, Home: Talk, Since: "6.2.0",
			Summary: "Makes the connection as new: no session, transaction, subscription or name"},
		{Name: "ping", Arity: -1, Flags: Fast | Stale, Home: Talk, Since: "1.0.0",
			Usage: "[message]", Summary: "Answers PONG or the message"},
		{Name: "echo", Arity: 2, Flags: Fast | Stale, Home: Talk, Since: "1.0.0",
			Usage: "message", Summary: "Answers the message"},
		{Name: "select", Arity: 2, Flags: Fast | Stale, Home: Talk, Since: "1.0.0",
			Usage: "index", Summary: "Chooses a database; there is one, 0"},
		{Name: "readonly", Arity: 1, Flags: Fast | Stale | NoMulti, Home: Talk, Since: "3.0.0",
			Summary: "Lets this connection read what this node has, which may be old"},
		{Name: "readwrite", Arity: 1, Flags: Fast | Stale | NoMulti, Home: Talk, Since: "3.0.0",
			Summary: "Makes the reads of this connection linearizable again, as they are at first"},
		{Name: "debug", Arity: -2, Flags: Admin | Stale, Home: Talk, Since: "1.0.0",
			Usage: "subcommand [argument ...]", Summary: "Always refused"},
	}
	rows = of("connection", rows)
	rows = append(rows, of("connection", clientRows())...)
	rows = append(rows, of("server", commandRows())...)
	return append(rows, of("pubsub", subscribing())...)
}

// of fills in what all rows of a family have in common.
func of(group string, rows []Spec) []Spec {
	for i := range rows {
		rows[i].Group = group
		if rows[i].Complexity == "" {
			rows[i].Complexity = "O(1)"
		}
	}
	return rows
}

const each = "O(N) with N the number of connections"

func clientRows() []Spec {
	rows := []Spec{
		{Name: "client|getname", Arity: 2, Since: "2.6.9", Summary: "Gives the connection's name"},
		{Name: "client|help", Arity: 2, Since: "5.0.0", Summary: "Lists the subcommands"},
		{Name: "client|id", Arity: 2, Since: "5.0.0", Summary: "Gives the connection's number"},
		{Name: "client|info", Arity: 2, Since: "6.2.0", Summary: "Describes this connection"},
		{Name: "client|kill", Arity: -3, Since: "2.4.0", Complexity: each, Flags: Admin,
			Usage:   "ip:port | [ID id | ADDR ip:port | LADDR ip:port | USER name | TYPE type | SKIPME YES|NO] ...",
			Summary: "Closes connections of this node"},
		{Name: "client|list", Arity: -2, Since: "2.4.0", Complexity: each, Flags: Admin,
			Usage: "[TYPE type] [ID id [id ...]]", Summary: "Describes the connections of this node"},
		{Name: "client|no-evict", Arity: 3, Since: "7.0.0", Usage: "ON | OFF", Flags: Admin,
			Summary: "Accepted; no connection is ever evicted for memory"},
		{Name: "client|no-touch", Arity: 3, Since: "7.2.0", Usage: "ON | OFF",
			Summary: "Accepted; reading never changes what is kept of a key"},
		{Name: "client|setinfo", Arity: 4, Since: "7.2.0", Usage: "LIB-NAME name | LIB-VER version",
			Summary: "Names the client's library"},
		{Name: "client|setname", Arity: 3, Since: "2.6.9", Usage: "name", Summary: "Names the connection"},
		{Name: "client|caching", Arity: 3, Since: "6.0.0", Usage: "YES | NO",
			Summary: "Says whether what the next command, or transaction, reads is tracked"},
		{Name: "client|getredir", Arity: 2, Since: "6.0.0",
			Summary: "Gives 0 for a connection that tracks what it reads, else -1"},
		{Name: "client|tracking", Arity: -3, Since: "6.0.0",
			Usage:   "ON | OFF [PREFIX prefix ...] [BCAST] [OPTIN | OPTOUT] [NOLOOP]",
			Summary: "Has the connection, by RESP3, told when a key changes that it has read"},
		{Name: "client|trackinginfo", Arity: 2, Since: "6.2.0",
			Summary: "Says whether and how this connection tracks what it reads"},
	}
	for i := range rows {
		rows[i].Home = Door
		rows[i].Flags |= Stale | NoMulti
	}
	return rows
}

func commandRows() []Spec {
	const all = "O(N) with N the number of commands"
	rows := []Spec{
		{Name: "command", Arity: -1, Since: "2.8.13", Complexity: all, Summary: "Describes all commands"},
		{Name: "command|count", Arity: 2, Since: "2.8.13", Summary: "Counts the commands"},
		{Name: "command|docs", Arity: -2, Since: "7.0.0", Complexity: all, Usage: "[command ...]",
			Summary: "Gives the documentation of commands"},
		{Name: "command|getkeys", Arity: -4, Since: "2.8.13", Usage: "command [argument ...]",
			Summary: "Finds the keys in a command"},
		{Name: "command|help", Arity: 2, Since: "5.0.0", Summary: "Lists the subcommands"},
		{Name: "command|info", Arity: -2, Since: "2.8.13", Complexity: all, Usage: "[command ...]",
			Summary: "Describes commands"},
		{Name: "command|list", Arity: -2, Since: "7.0.0", Complexity: all,
			Usage: "[FILTERBY PATTERN pattern]", Summary: "Names the commands"},
	}
	for i := range rows {
		rows[i].Home = Talk
		rows[i].Flags |= Stale
	}
	return rows
}

func subscribing() []Spec {
	rows := []Spec{
		{Name: "subscribe", Arity: -2, Since: "2.0.0", Usage: "channel [channel ...]",
			Summary: "Listens to channels"},
		{Name: "unsubscribe", Arity: -1, Since: "2.0.0", Usage: "[channel ...]",
			Summary: "Stops listening to channels, or to all"},
		{Name: "psubscribe", Arity: -2, Since: "2.0.0", Usage: "pattern [pattern ...]",
			Summary: "Listens to all channels that match a pattern"},
		{Name: "punsubscribe", Arity: -1, Since: "2.0.0", Usage: "[pattern ...]",
			Summary: "Stops listening to patterns, or to all"},
	}
	for i := range rows {
		rows[i].Home = Door
		rows[i].Flags = PubSub | Stale | NoMulti
		rows[i].Complexity = "O(N) with N the number of channels or patterns given"
	}
	return rows
}
