// Package examples holds programs to read and to begin from, each a page in a folder of its own, and the
// tests that run them as processes at real nodes. README.md says what each shows and how to try it.
//
// It is not for anything that a program should import. The programs import the root package, client, node
// and the standard library, as a stranger's would.
package examples
