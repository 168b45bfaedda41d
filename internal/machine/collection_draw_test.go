package machine

import (
	"fmt"
	"testing"
)

// Whatever the count, what is drawn is there and, but below nothing, comes once.
func TestDrawing(t *testing.T) {
	table := &table{hashing: crowded().keys.hashing}
	for i := range 40 {
		table.set(fmt.Sprint("f", i), fmt.Sprint(i))
	}
	all := map[string]bool{}
	for count := int64(-60); count < 60; count++ {
		drawn := drawing{count: count}.of(table, draw(count))
		if want := max(-count, min(count, 40)); int64(len(drawn)) != want {
			t.Errorf("%d were asked for, %d came", count, len(drawn))
		}
		seen := map[string]bool{}
		for _, e := range drawn {
			if value, ok := table.get(e.name); !ok || value != e.value || count > 0 && seen[e.name] {
				t.Errorf("%d were asked for, among them came %+v", count, e)
			}
			seen[e.name], all[e.name] = true, true
		}
	}
	if len(all) != 40 {
		t.Errorf("%d of 40 were ever drawn", len(all))
	}
}
