// Package follow keeps one's place in the events of a group, or in the changes of keys, so that a reader who
// loses its node, or whose node skips something, goes on without a gap and without a double (SAFETY A11,
// A16), and is told when what it missed can be read no more. The client library and the HTTP door both read
// by it.
//
// It is not for asking, listening or waiting: its owner listens first, then carries out what Ask says and
// hands in the answers, then what it hears. It is pure, and may import the root package only.
package follow
