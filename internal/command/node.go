package command

// node lists what concerns one node alone; CONFIG SET, whose settings are the ensemble's; and PUBLISH, which
// the machine relays for its place in a transaction.
func node() []Spec {
	rows := of("server", []Spec{
		{Name: "info", Arity: -1, Flags: Stale, Since: "1.0.0", Usage: "[section ...]",
			Summary: "Describes this node; INFO json gives its place in the ensemble as JSON"},
		{Name: "role", Arity: 1, Flags: Fast | Stale, Since: "2.8.12",
			Summary: "Says in Redis' words whether this node leads"},
		{Name: "time", Arity: 1, Flags: Fast | Stale, Since: "2.6.0",
			Summary: "Gives the time in seconds and microseconds"},
		{Name: "config|get", Arity: -3, Flags: Admin | Stale, Since: "2.0.0",
			Usage: "pattern [pattern ...]", Summary: "Gives settings of this node"},
		{Name: "config|help", Arity: 2, Flags: Stale, Since: "5.0.0", Summary: "Lists the subcommands"},
		{Name: "shutdown", Arity: -1, Flags: Admin | Stale | NoMulti, Since: "1.0.0",
			Usage: "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", Summary: "Stops this node in good order"},
		{Name: "checkpoint", Arity: -1, Flags: Admin | Stale | NoMulti, Since: "caucus 0.1", Usage: "[name]",
			Summary: "Writes a snapshot of this node, with a name also a dump for people, checkpoints/name.jsonl " +
				"in its data directory, and waits for it",
			Complexity: "O(N) with N the size of the state"},
		{Name: "getlog", Arity: -1, Flags: Admin | Stale | NoMulti, Since: "caucus 0.1", Usage: "[start [end]]",
			Summary: "Describes entries of this node's log, by default the last 100: index, term, ms, text"},
		{Name: "getdump", Arity: -1, Most: 2, Flags: Admin | Stale | NoMulti, Since: "caucus 0.1",
			Usage: "[LINES]",
			Summary: "Gives this node's state as lines of JSON, as one string or, with LINES, as an array, " +
				"which has no limit",
			Complexity: "O(N*log(N)) with N the size of the state"},
		{Name: "ensemble|nodes", Arity: 2, Flags: Stale | NoMulti, Since: "caucus 0.1",
			Summary: "Describes all nodes of the ensemble", Complexity: "O(N) with N the number of nodes"},
		{Name: "ensemble|digest", Arity: 2, Flags: Stale | NoMulti, Since: "caucus 0.1",
			Summary:    "Compares the states of all nodes and gives the digest of each",
			Complexity: "O(N) with N the size of the state, beside other commands"},
		{Name: "ensemble|status", Arity: 2, Flags: Stale | NoMulti, Since: "caucus 0.1",
			Summary:    "Describes the ensemble as a whole as JSON: nodes, groups, and whether there is a quorum",
			Complexity: "O(N+M) with N the number of nodes, which are all asked, and M that of groups"},
		{Name: "ensemble|transfer", Arity: 3, Flags: Admin | Stale | NoMulti, Since: "caucus 0.1", Usage: "node",
			Summary: "Has a node lead, both the log and the group nodes; answers when it does"},
		{Name: "add_node", Arity: 3, Flags: Admin | Stale | NoMulti, Since: "caucus 0.1", Usage: "id addr",
			Summary: "Expects a node of that name at that client address: it is let in when it asks, also in place " +
				"of a dead one"},
		{Name: "del_node", Arity: 2, Flags: Admin | Stale | NoMulti, Since: "caucus 0.1", Usage: "id",
			Summary: "Removes a node, dead or not; one that leads hands over first"},
		{Name: "ensemble|help", Arity: 2, Flags: Stale | NoMulti, Since: "caucus 0.1",
			Summary: "Lists the subcommands"},
		{Name: "wait", Arity: 3, Flags: Stale, Since: "3.0.0", Usage: "numreplicas timeout",
			Summary: "Says how many other nodes surely have this connection's writes: a majority always has"},
	})
	rows = append(rows, of("pubsub", []Spec{
		{Name: "pubsub|channels", Arity: -2, Flags: PubSub | Stale, Since: "2.8.0", Usage: "[pattern]",
			Summary: "Names the channels with subscribers on this node", Complexity: "O(N) with N the channels"},
		{Name: "pubsub|numsub", Arity: -2, Flags: PubSub | Stale, Since: "2.8.0", Usage: "[channel ...]",
			Summary: "Counts the subscribers of channels on this node"},
		{Name: "pubsub|numpat", Arity: 2, Flags: PubSub | Stale, Since: "2.8.0",
			Summary: "Counts the patterns listened to on this node"},
		{Name: "pubsub|help", Arity: 2, Flags: Stale, Since: "6.2.0", Summary: "Lists the subcommands"},
	})...)
	for i := range rows {
		if rows[i].Home = Node; rows[i].Helps() {
			rows[i].Home = Talk
		}
	}
	rows = append(rows, of("server", []Spec{
		{Name: "config|set", Arity: -4, Flags: Admin | Write, Home: Machine, Since: "2.0.0",
			Usage: "name value [name value ...]",
			Summary: "Changes settings of the ensemble: maxmemory, max-key-bytes, max-value-bytes, max-elements, " +
				"max-reply-bytes, max-sessions, max-groups, max-members, notify-keyspace-events"},
	})...)
	return append(rows, of("pubsub", []Spec{
		{Name: "publish", Arity: 3, Flags: ReadOnly | PubSub | Fast | Stale, Home: Machine, Since: "2.0.0",
			Usage: "channel message", Summary: "Sends a message to the subscribers of a channel on all nodes",
			Complexity: "O(N+M) with N the subscribers and M the patterns on a node"},
	})...)
}
