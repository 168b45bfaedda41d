//go:build !linux

package node

// bootMicros gives Go's monotonic clock, for want of a better one.
func bootMicros(mono int64) int64 { return mono }
