// Package servers runs what is measured: ensembles of caucus and of its peers, each node a process of
// its own, with the durable settings that its documentation names and defaults otherwise, all on the
// loopback and in directories of one disk.
//
// It is not for making load or for knowing what is measured. It may import procs.
package servers
