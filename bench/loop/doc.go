// Package loop makes the load, the same for all systems: callers in a closed loop, each with one flight
// of operations on its way, which sends the next when that is answered. What differs is only how a
// caller speaks: RESP over a connection of its own, all of which a Switchboard serves, or a client of
// the peer's own, whose connections several callers share as in the peer's own benchmark.
//
// It is not for starting servers or for judging figures.
package loop
