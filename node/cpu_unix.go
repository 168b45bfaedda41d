//go:build unix

package node

import (
	"syscall"
	"time"
)

// processorTime gives how long the process has worked.
func processorTime() (user, system time.Duration, ok bool) {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0, 0, false
	}
	return time.Duration(use.Utime.Nano()), time.Duration(use.Stime.Nano()), true
}
