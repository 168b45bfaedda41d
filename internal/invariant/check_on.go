//go:build invariants

package invariant

import "fmt"

// On says whether a broken invariant panics. What is costly to establish is looked at only if it does.
const On = true

// Check panics with a Violated unless ok; what it returns is ok.
func Check(ok bool, format string, args ...any) bool {
	if !ok {
		panic(Violated(fmt.Sprintf(format, args...)))
	}
	return ok
}
