// Package here decides one thing for all doors: whether somebody who connected is on this machine, so that a
// door without a password may serve him. The decision stands once because security depends on it. The package
// is for nothing else and imports the standard library only.
package here
