// Package datadir is a data directory as a whole: who it is (its identity), that one process at a
// time has it, and how a damaged log is set aside.
//
// It is not for the log itself, and it makes no ids: the caller does. It may import sealed, vfs and
// the standard library only.
//
// The order at a start: Acquire; Read (ErrNoIdentity: found or join, then Write); raftlog.Open;
// Write with Boots one higher; only then speak to anyone.
package datadir
