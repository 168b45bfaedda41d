package node

import "golang.org/x/sys/unix"

// bootMicros reads CLOCK_BOOTTIME, which goes on while the machine is suspended; Go's own monotonic clock is
// CLOCK_MONOTONIC, which does not.
func bootMicros(mono int64) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return mono // older than any kernel that Go runs on
	}
	return ts.Nano() / 1000
}
