package clocks

// Reading is what the clocks of a machine said at one moment, each in microseconds from a start of its own.
type Reading struct {
	Mono int64 // CLOCK_MONOTONIC: stands still while Linux is suspended
	Boot int64 // CLOCK_BOOTTIME: goes on meanwhile
	Wall int64 // the wall clock, since 1970; anybody may set it
}
