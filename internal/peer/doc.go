// Package peer carries bytes between the nodes of an ensemble over TCP.
//
// Every node dials every other one. The connection that a node dialled carries the frames it sends, the
// one it accepted carries those it receives, so each direction breaks and heals by itself. Big things
// (snapshots) travel as a Stream on a connection of their own, so that a heartbeat never waits behind
// them. A Call is one question and one answer, also for a stranger who wants to join. A Probe only asks
// whether somebody is there and what it says in its greeting (SAFETY A7).
//
// Every connection begins with a handshake: each side says which cluster and node it is, and with a
// password both prove that they know it; only then is anything else read. Identity is not address: a
// node is known by the id in its greeting, hosts are resolved at every dial (PEERS P15).
//
// It is not for deciding anything. It knows neither raft nor the state machine; the types of frames,
// calls and streams belong to the caller, and so does the question who may take part (Handler.Greeted).
// It may lose frames, and says so; it never reorders, repeats or alters them. It does not encrypt.
//
// It may import the root package and the standard library.
package peer
