package client

import (
	"time"

	"github.com/caucus-project/caucus/internal/lease"
)

// machineClocks reads the three clocks that the rule of belief compares (SAFETY A2). Go's own monotonic clock
// is CLOCK_MONOTONIC, which stands still while Linux is suspended.
func machineClocks() func() lease.Reading {
	start := time.Now()
	return func() lease.Reading {
		now := time.Now()
		mono := now.Sub(start).Microseconds()
		return lease.Reading{Mono: mono, Boot: bootMicros(mono), Wall: now.UnixMicro()}
	}
}
