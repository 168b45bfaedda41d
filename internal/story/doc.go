// Package story reads and runs golden stories: files whose input lines are caucus commands, with who says
// them and when, and whose output is the replies and the events of the groups.
//
// The same story runs on every Stage - the bare machine, one node over RESP, a simulated ensemble -
// and prints the same, because what differs from run to run (ids, counters, the exact time, which
// node) is printed by names given in the order of appearance, or left out. It is not for what a
// stage is made of. It is for tests and may import the root package, entry, datadriven and the
// standard library.
package story
