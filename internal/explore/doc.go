// Package explore visits every interleaving of a small world, up to a stated number of moves: three members,
// a group with four slots, two locks, one leader of the ensemble. The machine is the real one, and so is the
// rule of belief (package lease); in every state that is reached it looks whether the invariants hold.
//
// What stands between the two is here as free as the rules allow, so that it is worse than any real one:
//
//   - The leader's watch over sessions and revocations is not the one of package replica but a leader that
//     may log any decision from the first moment on at which SAFETY A2 to A5 and B21 allow it, or as late as
//     it likes, in any order, alone or with another in one entry, or lose it in an election.
//   - The network delivers when it likes, and a member's heartbeats and writes overtake each other.
//   - A member may do at any moment whatever its library would ever do, or nothing, which is a pause. Its
//     clocks are as slow as SAFETY A2 allows beside the leader's; CLOCK_MONOTONIC nearly stands still, as if
//     the machine were suspended all the time, and the wall clock runs backwards.
//
// Time is counted in ticks, of which a promise has two and a session four. A state is its machine, its
// leases, its messages under way and the ages of all of these; two that differ only in numbers whose order
// is the same (terms, epochs, versions) are one. The search is breadth first, so the trace of a violation is
// a shortest one.
//
// It is for tests. It may import the root package and the pure rooms below it, and has no clock, no chance
// and no goroutine of its own.
package explore
