// Package replica is one node's part in the ensemble as a pure step function: raft and the machine, and the
// rules that hold them together. Inputs are values (a tick, a frame from a peer, a client's batch, word that
// something is stored), outputs are values (frames to send, records to write, answers, events).
//
// It knows no socket, file, clock or goroutine, so the simulator runs the very code that production runs. It
// does not parse what clients say (talk does) nor decide what a command means (machine does). It may import
// raft, the root package, entry, machine, fields and invariant.
package replica
