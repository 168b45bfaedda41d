// Package snapfile is one snapshot in one file: what it is of, its data in checked chunks, and an
// end, so that a file that was cut or changed is recognised.
//
// It is not for deciding which snapshot counts or is kept (package raftlog), nor for what the data
// means. It may import sealed, vfs, the raftpb types and the standard library.
package snapfile
