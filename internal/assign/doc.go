// Package assign has the leaf algorithms that give the members of a group their indexes when it settles
// (SAFETY B16; WIRE "Groups"), and spread its slots over them (SAFETY A17).
//
// It is not for deciding when a group settles, nor for who may believe in an index or a slot: the machine and
// lease do that. It is pure and may import only the standard library's pure packages.
package assign
