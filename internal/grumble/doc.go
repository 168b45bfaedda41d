// Package grumble logs what strangers can provoke: a few lines per spell, and a count of the rest, so
// that nobody can fill a disk from outside. It is for nothing that an operator must see each time, and
// imports the standard library only.
package grumble
