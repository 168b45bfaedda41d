package lease

// Reading is what a process's clocks said at one moment, each in microseconds from a start of its own.
// Three are read because each alone can miss time: CLOCK_MONOTONIC stands still while Linux is suspended,
// CLOCK_BOOTTIME while a virtual machine is paused, and the wall clock may be set back.
type Reading struct {
	Mono int64 // CLOCK_MONOTONIC
	Boot int64 // CLOCK_BOOTTIME
	Wall int64 // wall clock
}

// Elapsed gives the microseconds from since to now: the largest advance of the three clocks. A clock that
// went back counts as not having advanced.
func Elapsed(since, now Reading) int64 {
	return max(0, now.Mono-since.Mono, now.Boot-since.Boot, now.Wall-since.Wall)
}

// laterThan says whether a was read after b in this process, by the one clock that is never set.
func (a Reading) laterThan(b Reading) bool { return a.Mono > b.Mono }
