// Package ballot is the leaf algorithm that counts a poll: how many must say yes, and from when on the
// outcome cannot change any more (SAFETY B14; WIRE "Votes").
//
// It is not for who may vote, nor for when a poll ends undecided: the machine does that. It is pure and
// imports nothing.
package ballot
