package invariant_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/invariant"
)

// broken gives what a broken invariant panicked with, or nil.
func broken(t *testing.T) (violated any) {
	t.Helper()
	defer func() { violated = recover() }()
	if invariant.Check(false, "%d members hold index %d", 2, 7) {
		t.Error("Check(false) gave true")
	}
	return nil
}

func TestCheckGivesBackWhatHolds(t *testing.T) {
	if !invariant.Check(true, "the sun is up") {
		t.Error("Check(true) gave false")
	}
}

func TestBrokenInvariantPanicsOnlyUnderTheTag(t *testing.T) {
	violated := broken(t)
	if !invariant.On {
		if violated != nil {
			t.Fatalf("panicked without the tag: %v", violated)
		}
		return
	}
	v, ok := violated.(invariant.Violated)
	if !ok || v.Error() != "invariant violated: 2 members hold index 7" {
		t.Fatalf("panicked with %v", violated)
	}
}
