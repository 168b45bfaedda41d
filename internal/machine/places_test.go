package machine

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Places are what a map would be, and copies stay as they are, whoever goes on (SAFETY B12).
func TestB12_PlacesAreAMap(t *testing.T) {
	type pair struct {
		p     places
		plain map[string]uint64
	}
	rapid.Check(t, func(t *rapid.T) {
		all := []*pair{{plain: map[string]uint64{}}}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			one := rapid.SampledFrom(all).Draw(t, "which")
			group := fmt.Sprint("g", rapid.IntRange(0, 12).Draw(t, "group"))
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				all = append(all, &pair{one.p, maps.Clone(one.plain)})
			case 1, 2:
				one.p.Delete(group)
				delete(one.plain, group)
			default:
				one.p.Set(group, uint64(i))
				one.plain[group] = uint64(i)
			}
		}
		for _, one := range all {
			names := slices.Sorted(maps.Keys(one.plain))
			if !slices.Equal(one.p.Keys(), names) || one.p.Len() != len(names) {
				t.Fatalf("%q, want %q", one.p.Keys(), names)
			}
			one.p.Scan(func(group string, order uint64) bool {
				if got, ok := one.p.Get(group); !ok || got != order || one.plain[group] != order {
					t.Fatalf("%s: %d, visited %d, want %d", group, got, order, one.plain[group])
				}
				return true
			})
		}
	})
}
