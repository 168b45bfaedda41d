// Package users is what users may do: the rules of Redis' ACL, and commands judged by them.
//
// It is not for how anybody proves to be a user (the node, which knows passwords) nor for keeping users (the
// machine, whose state they are). It is pure: no clock, goroutine, I/O or randomness. It may import the root
// package, glob, waist (for the names of channels) and command.
package users
