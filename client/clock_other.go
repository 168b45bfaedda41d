//go:build !linux

package client

// bootMicros stands for a clock that goes on while the machine is suspended. Elsewhere than on Linux the
// monotonic clock or the wall clock does.
func bootMicros(mono int64) int64 { return mono }
