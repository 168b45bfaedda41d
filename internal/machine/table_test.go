package machine

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A table is a map in which some fields share a hash, and a copy of it never changes (SAFETY B12).
func TestB12_ATableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := &table{hashing: crowded().keys.hashing}
		plain := map[string]string{}
		name := rapid.Map(rapid.IntRange(0, 12), func(n int) string { return fmt.Sprint("f", n) })
		var copies []func()
		for i := range rapid.IntRange(1, 50).Draw(t, "steps") {
			field := name.Draw(t, "field")
			_, had := plain[field]
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				if table.drop(field) != had {
					t.Fatalf("drop %s: it was there: %v", field, had)
				}
				delete(plain, field)
			case 1:
				copies = append(copies, unchanged(t, table))
			default:
				if table.set(field, fmt.Sprint(i)) == had {
					t.Fatalf("set %s: it was there: %v", field, had)
				}
				plain[field] = fmt.Sprint(i)
			}
			checkTable(t, table, plain)
		}
		for _, check := range copies {
			check()
		}
	})
}

// unchanged copies a table, and gives what checks that the copy is as it was.
func unchanged(t *rapid.T, of *table) func() {
	copied := of.share().(*table)
	before := fmt.Sprint(copied.sorted())
	return func() {
		if after := fmt.Sprint(copied.sorted()); after != before {
			t.Fatalf("a copy changed from %s to %s", before, after)
		}
	}
}

func checkTable(t *rapid.T, table *table, plain map[string]string) {
	var weight int64
	var all []string
	for field, want := range plain {
		if value, ok := table.get(field); !ok || value != want {
			t.Fatalf("%s: %q, %v, want %q", field, value, ok, want)
		}
		weight += elementBytes + int64(len(field)+len(want))
		all = append(all, field)
	}
	slices.Sort(all)
	if table.len() != len(plain) || table.weight() != weight {
		t.Fatalf("%d fields, %d bytes; want %d, %d", table.len(), table.weight(), len(plain), weight)
	}
	var seen []string
	again := newBody(kindHash, table.hashing)
	table.each(func(e element) bool {
		if !again.follows(e) {
			t.Fatalf("%s is not in order", e.name)
		}
		again.add(e)
		if again.follows(e) {
			t.Fatalf("%s follows itself", e.name)
		}
		seen = append(seen, e.name)
		return true
	})
	if slices.Sort(seen); !slices.Equal(seen, all) {
		t.Fatalf("%v were visited of %v", seen, all)
	}
}
