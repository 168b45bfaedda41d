//go:build !invariants

package invariant

// On says whether a broken invariant panics. What is costly to establish is looked at only if it does.
const On = false

// Check returns ok. Under the build tag "invariants" it panics with a Violated unless ok.
func Check(ok bool, _ string, _ ...any) bool { return ok }
