// Package sockets waits for many connections with one goroutine, and reads and writes them without waiting:
// what a goroutine for each would cost (to be woken, to be put to sleep, a stack) is most of what a short
// command costs.
//
// It knows nothing of what is read. The connections stay those of package net, with their deadlines and
// their Close, so that whoever wants to wait for one of them just does. On systems other than Linux there is
// no Watch, and every connection needs its goroutine. It imports nothing of this module.
package sockets
