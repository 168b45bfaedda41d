// Package node runs one node of an ensemble inside a process: it gives a replica a real clock,
// disk, peers and doors, and is the one room that wires the others together.
//
//	n, err := node.Open(ctx, node.Config{Name: "n1", Data: "data", OnLeader: work})
//	...
//	n.Propose(ctx, "SET", "key", "value") // or n.Client(), for sessions, groups, locks, events
//	if n.IsLeader() { ... }
//	n.Close()
//
// The nodes of an ensemble choose a leader among them, one at a time: IsLeader, Term, Leader and the
// functions of Config speak of it. What is for the leader alone belongs into OnLeader, whose context ends
// with the leadership; what must not be done by one that was deposed a moment ago is written behind GUARD
// nodes TERM n. A node that stops hands over; one that dies is followed as soon as the others find its
// door closed and its grace of a quarter of a second is over, one that vanishes silently after two
// seconds. ReadConfig reads QCluster's file, and Config.Commands adds commands of the program's own.
//
// It decides nothing about the state (machine), the log (replica) or a conversation (talk). A node
// never ends the process that it lives in: Open returns errors, and what goes wrong later is told
// by Done and Err. Several nodes may live in one process.
//
// A program may add commands of its own (Config.Commands), which every client of every node can say: each is
// a function over a transaction of the store that all nodes run alike.
package node
