package clocks

import (
	"testing"

	"golang.org/x/sys/unix"
)

// The clock that a node goes by is the one that goes on while the machine is suspended (SAFETY A14).
func TestA14_TheClockCountsASuspension(t *testing.T) {
	read := func() int64 { return micros(unix.CLOCK_BOOTTIME, 0) }
	before := read()
	got := Read().Boot
	if after := read(); before == 0 || got < before || got > after {
		t.Errorf("it shows %d, and CLOCK_BOOTTIME %d to %d", got, before, after)
	}
}
