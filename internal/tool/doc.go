// Package tool is for tests. It is how one says that it needs something that Go alone does not bring:
// redis-cli, a server to compare with, which it starts. A test that lacks its tool is skipped, and listed at
// the end of make check; where CAUCUS_NO_SKIP is set, as in CI, it fails instead. And it measures how much
// memory something takes.
//
// It may import only the standard library.
package tool
