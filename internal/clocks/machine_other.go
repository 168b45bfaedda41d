//go:build !linux

package clocks

import "time"

// started is when the process began.
var started = time.Now()

// Machine reads the machine's own clocks, whatever tests say of them. Elsewhere than on Linux Go's monotonic
// clock, which counts from the start of the process, stands for the one that counts a suspension, too.
func Machine() Reading {
	now := time.Now()
	mono := now.Sub(started).Microseconds()
	return Reading{Mono: mono, Boot: mono, Wall: now.UnixMicro()}
}
