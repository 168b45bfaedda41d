// Package command is the one table of commands: name, arity, flags, keys, and what the documentation says.
// COMMAND, the help texts and the reference page are printed from it, and every room asks it what a command
// is, so that documentation and code cannot differ.
//
// Where two rooms must read the same arguments, they are read here: what a GUARD names, and how long a
// command asks to wait.
//
// It is not for carrying commands out: the machine does that for what is in the state, talk for a
// connection's own (MULTI, SESSION), the door for its protocol's (HELLO, CLIENT), the node for the rest
// (INFO, ROLE). A new command begins with a row here. The package may import the root package only.
package command
