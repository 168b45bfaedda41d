package grumble_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/grumble"
)

func TestStrangersFillNoDisk(t *testing.T) {
	var log bytes.Buffer
	v := grumble.New(slog.New(slog.NewTextHandler(&log, nil)))
	for range 1000 {
		v.Warn("a stranger came", "from", "somewhere")
	}
	if n := strings.Count(log.String(), "a stranger came"); n != 10 {
		t.Errorf("a thousand of a kind make %d lines; 10 are enough", n)
	}
	grumble.New(nil).Info("nobody listens")
}
