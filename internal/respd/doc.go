// Package respd is the RESP door: it accepts connections of Redis clients, reads their pipelines, has them
// carried out by a waist.Server, and writes the replies in order.
//
// It answers by itself what is about the protocol of a connection: HELLO, AUTH, CLIENT, QUIT, subscriptions.
// It is not for what a command means; of the server it knows what waist says only. It may import
// the root package, waist, resp, command, sockets and glob.
//
// A pipeline is read only after the replies to the one before have been written to the socket (SAFETY A3 and
// A10 rest on that). Most connections have no goroutine (lane.go): one reads for many of them what has come
// and starts it, another writes what is answered, and a third what was published (crier.go). A connection has
// a goroutine of its own while it is at something else: who it is, its protocol, what waits; and another one
// while it does not take at once what was published. While a command waits for its answer another one reads
// ahead, to learn of the client's end; what it has read is carried out in its turn.
package respd
