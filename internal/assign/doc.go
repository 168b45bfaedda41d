// Package assign is the leaf algorithm that gives the members of a group their indexes when it settles
// (SAFETY B16; WIRE "Groups").
//
// It is not for deciding when a group settles, nor for who may believe in an index: the machine and lease
// do that. It is pure and may import only the standard library's pure packages.
package assign
