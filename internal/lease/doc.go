// Package lease is the rule of belief (SAFETY A2, A3; WIRE "Belief"): may this process, by its own clocks,
// still act as the holder of an index, a leadership or a lock? It answers no before the servers may give
// the thing to somebody else, whatever was delayed, lost, reordered, paused or suspended on the way.
//
// The package is pure. It reads no clock and sends nothing: its owner hands in readings of the clocks, tells
// it which requests are sent and what their answers say, and asks. It is not for what a process does after
// the check; that is the business of GUARD and of tokens.
//
// Four things are easy to get wrong, so they are settled here and not by the caller:
//
//   - Only an answer that shows a version extends a belief. A committed write or a JOIN proves that the
//     session was alive, but its answer does not say what was revoked meanwhile; counting it would carry a
//     belief past the P after a revocation at which the servers grant anew (SAFETY A3).
//   - Answers overtake each other, and versions may fall again (the version is the largest over the groups
//     the session is in, and it may leave one). So the order of two answers is known only if the request
//     of one was sent after the other had arrived. An answer with another version always ends what was
//     learnt; it starts something new only if it was asked for after the last such change. This is what
//     Asked remembers.
//   - Slots are the exception: they are revoked from nobody, so a version says nothing of them. Who holds one
//     does so until it gives it up or its session ends, and of that only the clock can tell (SAFETY A17).
//   - A grant belongs to the version known when its read was sent, not to the one known when its answer
//     came: the answer may be older than the revocation that was learnt in between. For the same reason
//     a read that was under way when the holder gave the thing up says nothing any more.
//
// It imports neither time, sync nor context, nor any other package of this module. A Lease is not safe for
// concurrent use; its owner locks.
package lease
