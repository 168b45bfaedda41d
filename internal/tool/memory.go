package tool

import (
	"runtime"
	"testing"
)

// AtMost fails the test when f takes more than so many bytes of memory, whether or not it gives them back.
// What other goroutines take meanwhile counts too.
func AtMost(t testing.TB, bytes int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > uint64(bytes) {
		t.Errorf("it took %d bytes of memory, and may take %d", taken, bytes)
	}
}
