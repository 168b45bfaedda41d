// Package load puts nodes under load and measures them: connections that speak RESP, each with one
// pipeline at a time in flight, for a while or for a number of commands. Benchmarks are made of it.
//
// It is not for deciding what a good figure is, not for flags, and not for checking what the replies
// say: a wrong value is the business of the tests. It may import resp, the root package and the histogram.
package load
