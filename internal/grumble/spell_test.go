package grumble

import (
	"testing"
	"time"
)

func TestTheNextSpellSaysHowMuchWasKept(t *testing.T) {
	var v Voice
	now := time.Unix(1000, 0)
	said := 0
	for range 100 {
		if _, ok := v.allow(now); ok {
			said++
		}
	}
	if said != lines {
		t.Errorf("%d lines in one spell", said)
	}
	if kept, ok := v.allow(now.Add(spell)); !ok || kept != 100-lines {
		t.Errorf("the next spell: %v, %d unsaid", ok, kept)
	}
}
