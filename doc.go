// Package caucus holds the words that every part of the system shares: a command and its reply, an
// event, an error, an assignment, and the two narrow interfaces (Doer, Watcher) at which the RESP door,
// the HTTP door, the embedded node and the remote client meet.
//
// It is for naming things once. It is not for doing them: nothing here opens a socket, reads a clock or
// starts a goroutine, and it imports the standard library only.
package caucus
