// Package caucus holds the words that programs and the system itself share: a command and its reply, an
// error, an assignment, the rules for names, and Doer, which a remote client and an embedded node have in
// common.
//
// It is for naming things once. It is not for doing them: nothing here opens a socket, reads a clock or
// starts a goroutine, and it imports the standard library only.
package caucus
