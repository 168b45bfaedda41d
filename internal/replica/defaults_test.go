package replica

import "testing"

// What the rules of the design say in numbers is what a node does that states nothing else.
func TestDefaultsAreThoseOfTheRules(t *testing.T) {
	c := Config{}.withDefaults()
	for _, d := range []struct {
		what      string
		got, want int64
	}{
		{"A7: between two candidates", c.Stagger, 15 * millisecond},
		{"A13: entries between two comparisons", int64(c.DigestEntries), 1_000_000},
		{"A13: time between two comparisons", c.DigestEvery, 600 * second},
		{"B13: entries between two snapshots", int64(c.SnapshotEntries), 100_000},
		{"B13: bytes of log between two snapshots", int64(c.SnapshotBytes), 256 << 20},
		{"B13: room beside two snapshots", reserve, 64 << 20},
	} {
		if d.got != d.want {
			t.Errorf("%s: %d, want %d", d.what, d.got, d.want)
		}
	}
}
