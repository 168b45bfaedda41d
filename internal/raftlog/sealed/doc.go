// Package sealed is how bytes lie in the files of a data directory so that damage shows: a preamble
// that says who wrote the file, then frames that are checked one by one and chained, and files that
// are whole under their name or absent.
//
// It is not for deciding what a damaged file means, nor for what is in the frames. It may import vfs
// and the standard library only.
package sealed
