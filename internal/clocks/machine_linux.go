package clocks

import (
	"time"

	"golang.org/x/sys/unix"
)

// begun is when this process asked for CLOCK_MONOTONIC, which is the clock that Go measures by, and what it
// showed then.
var begun, mono = time.Now(), micros(unix.CLOCK_MONOTONIC, 0)

// Machine reads the machine's own clocks, whatever tests say of them. All processes of a machine agree
// on them, up to some microseconds.
//
// Go reads its two clocks without entering the kernel, which a call of ours does: there is one for the third.
func Machine() Reading {
	now := time.Now()
	mono := mono + now.Sub(begun).Microseconds()
	return Reading{Mono: mono, Boot: micros(unix.CLOCK_BOOTTIME, mono), Wall: now.UnixMicro()}
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
