// Package talk is the conversation of one connection: it turns the commands of a pipeline into a plan of
// steps for the log and the state, and what the steps came to into replies. What is the connection's own
// lives here: the transaction being queued, the watched keys, the session that it carries, whether it reads
// locally.
//
// It is not for the protocol of a connection (HELLO, CLIENT, SUBSCRIBE: the door), nor for getting a plan
// carried out (the node, or the simulator). It is pure: no clock, goroutine, I/O or randomness of its own.
// It may import the root package, waist (for the names of channels), entry and command.
package talk
