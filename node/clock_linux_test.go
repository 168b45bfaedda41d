package node

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A node's clock is the one that goes on while the machine is suspended (SAFETY A14).
func TestA14_TheClockCountsASuspension(t *testing.T) {
	read := func() int64 {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
			t.Fatal(err)
		}
		return ts.Nano()/1000 + 1_000_000
	}
	before := read()
	got := clocks().Mono
	if after := read(); got < before || got > after {
		t.Errorf("it shows %d, and CLOCK_BOOTTIME %d to %d", got, before, after)
	}
}
