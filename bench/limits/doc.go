// Package limits measures what the machine itself can do, beside which absolute times mean something:
// syncs into preallocated space, by one process and by three at once, and round trips over the loopback.
//
// It may import procs, and the file system of caucus, so that its sync is the same.
package limits
