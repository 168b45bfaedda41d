// Package founding decides what a node does that belongs to no ensemble yet: wait, join one, or found one
// (SAFETY A12). It is the part of one node: what its list says, what each listed node last said of itself,
// and what follows. Two ensembles of one list, one of them served, are what it is there to prevent; the
// argument stands in docs/proofs.md, and the tests try every order of start, crash and wipe.
//
// It is not for asking anybody, nor for what comes after: being let in is the leader's affair (replica), and
// files are the shell's (node). It has no clock and does no I/O. It may import fields.
package founding
