//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package vfs

import (
	"errors"
	"os"
)

// lockFile refuses rather than pretend: two processes on one directory destroy it.
func lockFile(*os.File) error {
	return errors.New("this system has no file lock that ends with its process")
}
