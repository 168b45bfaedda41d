//go:build unix

package node

import (
	"math"
	"syscall"
)

// mostFiles gives how many file descriptors the process may have open, false when that is not known.
func mostFiles() (most uint64, ok bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return min(uint64(limit.Cur), math.MaxInt64), true
}
