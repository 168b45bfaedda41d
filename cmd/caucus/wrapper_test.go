package main

import (
	"fmt"
	"testing"
	"time"

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

// Who states a time to live alone means the grace with it, be it shorter or longer than usual.
func TestGraceIsAsLongAsTTLUnlessStated(t *testing.T) {
	short, second := 500*time.Millisecond, time.Second
	for _, c := range []struct {
		ttl   time.Duration
		grace *time.Duration
		want  time.Duration
		says  string
	}{
		{10 * time.Second, nil, 10 * time.Second, ""},
		{2 * time.Second, nil, 2 * time.Second, ""},
		{time.Minute, nil, time.Minute, ""},
		{time.Minute, &second, time.Second, ""},
		{short, nil, short, "--ttl must be 1s at least, not 500ms"},
		{second, &short, short, "--grace must be 1s at least, not 500ms"},
	} {
		f := wrapFlags{TTL: c.ttl, Grace: c.grace}
		if f.grace() != c.want {
			t.Errorf("TTL %v: grace is %v, not %v", c.ttl, f.grace(), c.want)
		}
		if err := f.Validate(); err == nil && c.says != "" || err != nil && err.Error() != c.says {
			t.Errorf("TTL %v, grace %v: %v, not %q", c.ttl, c.want, err, c.says)
		}
	}
}
