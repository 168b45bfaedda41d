// Package post numbers the messages that do not pass through the log, and says which of them may still be let
// out: at most once, and in the order of each sender (SAFETY A11).
//
// It is pure. Who lets a message out holds its own lock from Admit until that is done, or two may change
// places in between. It is not for finding who is addressed, which the machine does by a read, nor for
// carrying anything: node and the simulator do that. It imports machine and entry.
package post
