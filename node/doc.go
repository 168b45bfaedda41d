// Package node runs one node of an ensemble inside a process: it gives a replica a real clock,
// disk, peers and doors, and is the one room that wires the others together.
//
// It decides nothing about the state (machine), the log (replica) or a conversation (talk). A node
// never ends the process that it lives in: Open returns errors, and what goes wrong later is told
// by Done and Err. Several nodes may live in one process.
package node
