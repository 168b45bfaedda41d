// Package work is what is measured: one file for each kind of work, which says how caucus does it and
// how a peer does, with the same load. A row opens both sides, lets them work in turn, and closes them.
//
// It is not for starting processes (servers), for making load (loop), or for showing what came out
// (outcome).
package work
