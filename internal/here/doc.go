// Package here decides one thing for all doors: whether somebody who connected may be served, because he
// is on this machine, or because a door can tell who he is. The decision stands once because security
// depends on it. The package is for nothing else and imports the standard library only.
package here
