// Package machine is the replicated state and the only code that changes it: the keyspace, sessions, groups,
// the table of nodes. Its input is committed entries, its output replies, events and what the leader's clocks
// have to know. The same log gives the same state, byte for byte, on every node.
//
// It is not for deciding when something happens (the leader's replica decides and logs it), nor for who may
// ask. It has no clock, goroutine, I/O or randomness: times are plain numbers that the entries carry
// (microseconds for stamps, milliseconds for durations), and what it iterates is sorted. It may import the
// root package, waist, entry, command, assign, ballot, fields, invariant and a copy-on-write B-tree.
//
// Everything in the state is copy-on-write (SAFETY B12): a View is taken in constant time and never changes,
// and whoever changes a session, a group or a value reaches it through a tree's mutable access.
package machine
