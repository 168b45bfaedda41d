//go:build darwin || linux

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// Free gives how many bytes an ordinary user may still write to the disk that a directory is on.
func Free(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return s.Bavail * uint64(s.Bsize), nil
}
