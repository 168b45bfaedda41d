// Package tool is how a test says that it needs something that Go alone does not bring: redis-cli, a
// server to compare with. A test that lacks its tool is skipped, and listed at the end of make check;
// where CAUCUS_NO_SKIP is set, as in CI, it fails instead.
//
// It is only for tests, and may import only the standard library.
package tool
