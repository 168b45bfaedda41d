// Package vfs is the floor under the log: the few file-system calls it needs, once for a real disk
// (OS) and once for a disk in memory (Mem) that forgets, tears and corrupts from a seed.
//
// It is for making every fault of a disk an ordinary test. It is not a general file system: no
// sequential reading, no permissions, no truncating, nothing the log does not call. It knows nothing
// of Raft and imports the standard library and golang.org/x/sys only.
package vfs
