// Package sim is the other shell around the replica: a whole ensemble with its clients in one goroutine,
// with simulated time, network, disks and clocks, all drawn from one seed. It runs the very code of
// replica, machine, raftlog, post and talk that a node runs; a seed that fails replays exactly.
//
// World is the event queue and the true time, on which nobody in the world can look directly: every node
// and every client has clocks of its own. Network, disks, conversations and clients turn what replicas
// put out into later events. What a seed is about is its plan: sizes, limits, who takes part, and which
// faults come when. After them everything is mended, and the world must come to rest. Checks look at every
// step for what must never be so (SAFETY A3 before all), and at the end at what must have become of every
// request.
//
// It is not for timing anything, nor for sockets and files, which the tests of real processes are for.
// It may import every package up to floor 4, raft's types, and the checker of linearizability.
package sim
