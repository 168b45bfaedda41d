// Command believer is a program for tests: a member of group g that says when it believed that it led.
// It is given client addresses. A line "silent" on its standard input makes its connections carry
// nothing any more, though they stand; "heard" ends that, and the end of the input ends the program.
// For each belief it writes a line when it begins, "leads TERM", and one when it is over, "led TERM
// FROM TO": the microseconds, by the machine's true CLOCK_MONOTONIC, after the first look that showed
// the belief and before the last one. It is no example of how to lead, which is Member.Lead: it only
// looks. It may import client and internal/clocks.
package main
