// Package clocks reads the clocks of this machine: the one place where the node, the library for
// programs and the guardian of a command ask what time it is, as far as a decision rests on it (SAFETY
// A2, A14).
//
// A program built with the tag "chaos" reads them through a file that tests write (Env names it), so
// that one machine of several may have a clock that is set, runs at another rate, or was suspended,
// while the process runs. Programs that trade libc's clocks for others do nothing to Go, which asks the
// kernel itself; and the processes of one machine (a node and its next start, a wrapper and its
// guardian) must agree on their clocks, as they do by a file. Without the tag nothing of it is in the
// program (TestNoProgramIsMisled).
//
// It is not for timers and time limits on which nothing rests but patience; those are package time's.
// It imports nothing of this module.
package clocks
