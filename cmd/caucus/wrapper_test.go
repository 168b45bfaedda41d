package main

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus"
)

// A member that was there goes on trying to join anew while that may yet succeed (SAFETY B13: what is full
// has room again by itself), and ends when it never will.
func TestWhatKeepsAMemberFromJoiningAnew(t *testing.T) {
	for word, passing := range map[*caucus.Error]bool{
		caucus.ErrTryAgain: true, caucus.ErrLoading: true, caucus.ErrUncertain: true, caucus.ErrConflict: true,
		caucus.ErrNoSpace: true, caucus.ErrOutOfMemory: true,
		caucus.ErrBad: false, caucus.ErrDenied: false, caucus.ErrWrongPass: false, caucus.ErrNoAuth: false,
	} {
		err := fmt.Errorf("joining: %w", caucus.Errorf(word, "why"))
		if passes(err) != passing {
			t.Errorf("%v: passes is %v", err, !passing)
		}
	}
}
