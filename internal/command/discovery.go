package command

// discovery lists what clients of Redis Cluster and of Redis Sentinel ask to find all nodes. The answers
// describe the ensemble: whoever leads is the master of all slots, the others are its replicas (SAFETY B22).
func discovery() []Spec {
	const nodes = "O(N) with N the number of nodes"
	rows := of("cluster", []Spec{
		{Name: "cluster|help", Arity: 2, Since: "5.0.0", Summary: "Lists the subcommands"},
		{Name: "cluster|info", Arity: 2, Since: "3.0.0", Summary: "Says in Redis' words how the ensemble is"},
		{Name: "cluster|keyslot", Arity: 3, Since: "3.0.0", Usage: "key",
			Summary: "Gives the hash slot of a key, which means nothing here", Complexity: bytesOf},
		{Name: "cluster|links", Arity: 2, Since: "7.0.0", Complexity: nodes,
			Summary: "Describes the connections to and from the other nodes"},
		{Name: "cluster|myid", Arity: 2, Since: "3.0.0", Summary: "Gives this node's id as Redis Cluster has one"},
		{Name: "cluster|nodes", Arity: 2, Since: "3.0.0", Complexity: nodes,
			Summary: "Describes all nodes in lines, as Redis Cluster does"},
		{Name: "cluster|replicas", Arity: 3, Since: "5.0.0", Usage: "node-id", Complexity: nodes,
			Summary: "Describes the replicas of a node: all others, if it leads"},
		{Name: "cluster|shards", Arity: 2, Since: "7.0.0", Complexity: nodes,
			Summary: "Describes all nodes as the one shard of a Redis Cluster"},
		{Name: "cluster|slaves", Arity: 3, Since: "3.0.0", Usage: "node-id", Complexity: nodes,
			Summary: "Describes the replicas of a node; the old name of CLUSTER REPLICAS"},
		{Name: "cluster|slots", Arity: 2, Since: "3.0.0", Complexity: nodes,
			Summary: "Names the nodes that serve the hash slots: the leader first, then all others"},
	})
	rows = append(rows, of("sentinel", []Spec{
		{Name: "sentinel|ckquorum", Arity: 3, Since: "2.8.4", Usage: "master-name",
			Summary: "Says whether a majority of the nodes can be reached"},
		{Name: "sentinel|get-master-addr-by-name", Arity: 3, Since: "2.8.4", Usage: "master-name",
			Summary: "Gives host and port of the node that leads; the master is called caucus"},
		{Name: "sentinel|help", Arity: 2, Since: "6.2.0", Summary: "Lists the subcommands"},
		{Name: "sentinel|master", Arity: 3, Since: "2.8.4", Usage: "master-name",
			Summary: "Describes the node that leads as Redis Sentinel does"},
		{Name: "sentinel|masters", Arity: 2, Since: "2.8.4", Summary: "Describes the one master, caucus"},
		{Name: "sentinel|myid", Arity: 2, Since: "6.2.0", Summary: "Gives this node's id as a Sentinel has one"},
		{Name: "sentinel|replicas", Arity: 3, Since: "5.0.0", Usage: "master-name", Complexity: nodes,
			Summary: "Describes the nodes that do not lead"},
		{Name: "sentinel|sentinels", Arity: 3, Since: "2.8.4", Usage: "master-name", Complexity: nodes,
			Summary: "Describes the other nodes, each of which answers as a Sentinel"},
		{Name: "sentinel|slaves", Arity: 3, Since: "2.8.0", Usage: "master-name", Complexity: nodes,
			Summary: "Describes the nodes that do not lead; the old name of SENTINEL REPLICAS"},
	})...)
	for i := range rows {
		rows[i].Flags = Stale
		if rows[i].Home = Node; rows[i].Helps() {
			rows[i].Home = Talk
		}
	}
	return rows
}
