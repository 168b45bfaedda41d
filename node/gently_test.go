package node

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// A snapshot rests while clients write, in proportion to its work, and ends all the same.
func TestASnapshotIsWrittenGently(t *testing.T) {
	var now time.Time
	var syncs uint64
	var rests []time.Duration
	var to bytes.Buffer
	g := newGentle(&to, func() time.Time { return now }, func() uint64 { return syncs },
		func(long time.Duration) { rests, now = append(rests, long), now.Add(long) })
	write := func(took time.Duration) {
		t.Helper()
		now = now.Add(took)
		if n, err := g.Write([]byte("x")); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	write(time.Millisecond) // nobody writes to the log
	syncs++
	write(2 * time.Millisecond)
	write(time.Millisecond)
	syncs++
	write(time.Hour)
	if got := fmt.Sprint(rests); got != "[6ms 50ms]" {
		t.Errorf("it rested for %s", got)
	}
	begun, most := now, int(2*restAll/restMost)
	for range most {
		syncs++
		write(time.Second)
	}
	if rested := now.Sub(begun) - time.Duration(most)*time.Second; rested > restAll || to.Len() != most+4 {
		t.Errorf("it rested for %v after %d pieces", rested, to.Len())
	}
}
