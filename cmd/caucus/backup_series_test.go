package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	oneEnsemble   = "caucus-0123456789abcdef0123456789abcdef-"
	otherEnsemble = "caucus-fedcba9876543210fedcba9876543210-"
)

func TestSurplusOfASeries(t *testing.T) {
	at := func(days ...string) (names []string) {
		for _, day := range days {
			names = append(names, oneEnsemble+"202611"+day+"T000000.000Z.jsonl")
		}
		return names
	}
	foreign := []string{otherEnsemble + "20260101T000000.000Z.jsonl", "caucus-x.jsonl", "notes",
		oneEnsemble + "20260101T000000.000Z.jsonl.gz", "my-" + oneEnsemble + "20260101T000000.000Z.jsonl",
		oneEnsemble + "20260101.jsonl"}
	all := append(foreign, at("05", "02", "04", "03")...)
	for _, c := range []struct {
		newest string
		keep   int
		want   []string
	}{
		{at("05")[0], 1, at("02", "03", "04")}, {at("05")[0], 3, at("02")}, {at("05")[0], 4, nil},
		{at("05")[0], 9, nil}, {at("02")[0], 1, at("03", "04", "05")}, // a clock was set back
		{"notes", 1, nil},
	} {
		if got := surplus(all, c.newest, c.keep); !slices.Equal(got, c.want) {
			t.Errorf("of %d kept with %s: %v, want %v", c.keep, c.newest, got, c.want)
		}
	}
}

func TestWhenTheNextOfASeriesIsDue(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for names, want := range map[string]time.Duration{
		"":      0,
		"notes": 0,
		oneEnsemble + "20261127T110000.000Z.jsonl":                                               0,
		oneEnsemble + "20261127T114500.000Z.jsonl":                                               45 * time.Minute,
		oneEnsemble + "20261127T114500.000Z.jsonl " + oneEnsemble + "20261127T100000.000Z.jsonl": 45 * time.Minute,
		oneEnsemble + "20271127T114500.000Z.jsonl":                                               0,
		// of a wrong clock
	} {
		if got := untilNext(strings.Fields(names), now, time.Hour); got != want {
			t.Errorf("with %q in %v, want %v", names, got, want)
		}
	}
}

func TestWhatASeriesRefuses(t *testing.T) {
	for _, c := range []struct {
		cmd  backupCmd
		want string
	}{
		{backupCmd{File: "d", Keep: -1}, "--keep"}, {backupCmd{File: "d", Every: time.Hour}, "--keep"},
		{backupCmd{File: "d", Every: 1, Keep: 1}, "--every"}, {backupCmd{File: "-", Keep: 1}, "directory"},
		{backupCmd{File: "d", Keep: 1, Overwrite: true}, "--overwrite"},
		{backupCmd{File: "d", Keep: 1, Every: time.Hour}, ""}, {backupCmd{File: "-"}, ""},
	} {
		err := c.cmd.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cmd, err, c.want)
		}
	}
}
