// Package procs starts, stops and observes processes: what CPU time they used, what memory they hold, and
// how busy the machine was beside them. It needs Linux and its /proc.
//
// It is not for knowing what the processes are.
package procs
