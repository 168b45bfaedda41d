// Package history judges what the clients of an ensemble did and saw, on one clock: was every key a register,
// was each addition counted once, did two ever believe in one lock. Its checkers are pure functions over
// records, so that each is tested with histories that are good and with one of each kind of lie.
//
// It is not for making histories, which the workloads of tests/chaos do while nodes die. A record says when
// a call was made and when it returned, and what became of it: done; refused, which means not carried out for
// certain; or uncertain, which means carried out at any later moment or never. It may import the root
// package, client (for the shape of events and results), internal/ballot, porcupine and the standard library.
package history
