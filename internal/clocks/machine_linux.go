package clocks

import (
	"time"

	"golang.org/x/sys/unix"
)

// Machine reads the machine's own clocks, whatever tests say of them. All processes of a machine agree
// on them.
func Machine() Reading {
	mono := micros(unix.CLOCK_MONOTONIC, 0)
	return Reading{Mono: mono, Boot: micros(unix.CLOCK_BOOTTIME, mono), Wall: time.Now().UnixMicro()}
}

// micros reads a clock, or gives something else where there is none: on kernels older than any that Go
// runs on.
func micros(clock int32, otherwise int64) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return otherwise
	}
	return ts.Nano() / 1000
}
