package main

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
)

func somePicture() picture {
	return picture{
		title: "t", nodes: []nodeView{{"n1", "killed"}, {"n2", "leader"}},
		workers: []workerView{{"w1", "1 of 2, epoch 9", 10, 1234}, {"w2", "killed", 0, 7}},
		owners:  []int{0, 1, -1}, acked: 5,
	}
}

func TestPictureIsPlainWithoutColour(t *testing.T) {
	text := strings.Join((&screen{}).paint(somePicture(), 120), "\n")
	if strings.Contains(text, "\x1b") {
		t.Fatalf("colour where none is wanted: %q", text)
	}
	for _, want := range []string{"n1 killed", "n2 leader", "1 of 2, epoch 9", "1,234 done", "12·"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// newPaper makes a terminal of that size, without colours.
func newPaper(columns, rows int) (*screen, *strings.Builder) {
	var out strings.Builder
	return &screen{out: &out, live: true, size: func() (int, int) { return columns, rows }}, &out
}

func TestDrawingReplacesThePictureAndKeepsTheLines(t *testing.T) {
	s, out := newPaper(120, 3)
	frame := cutLines + "\x1b[2K\n\x1b[2Kt\n\x1b[J" + wrapLines // the first two lines, as there are three rows
	s.draw(somePicture())
	s.draw(somePicture())
	s.plain("kept")
	s.draw(somePicture())
	if want := frame + "\x1b[2A" + frame + "\x1b[2A\x1b[Jkept\n" + frame; out.String() != want {
		t.Fatalf("wrote %q, want %q", out.String(), want)
	}
}

// A line that wraps would take two rows, and the next picture would be drawn below it.
func TestNarrowTerminals(t *testing.T) {
	p := somePicture()
	p.owners = make([]int, 2*stripMost)
	for _, columns := range []int{1, 20, 60, 70, 86} {
		for _, line := range (&screen{}).paint(p, columns) {
			said := strings.Contains(line, " done") || strings.HasPrefix(line, "  1")
			if width := len([]rune(line)); said && columns >= 60 && width > columns {
				t.Errorf("%d columns, and the line has %d: %q", columns, width, line)
			}
		}
	}
}

func TestNothingIsDrawnWhereItCannotBeWiped(t *testing.T) {
	s, out := newPaper(80, 24)
	s.live = false
	s.draw(somePicture())
	if out.Len() > 0 {
		t.Fatalf("wrote %q", out.String())
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}

func TestItemsOfATreeAreItsGoLines(t *testing.T) {
	tree := fstest.MapFS{
		"a/x.go":       {Data: []byte("one\ntwo\n")},
		"b.txt":        {Data: []byte("no\n")},
		".hidden/y.go": {Data: []byte("no\n")},
		"long.go":      {Data: []byte(strings.Repeat("x", 2*longestRow))},
	}
	items, err := goItems(context.Background(), tree)
	if err != nil || len(items) != 2 || items[1] != (item{Key: "a/x.go:2", Text: "two"}) {
		t.Fatalf("got %v, %v", items, err)
	}
}

func TestItemsThatAreNotThereAreNamed(t *testing.T) {
	_, _, err := gatherItems(t.Context(), "/nowhere/at/all")
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Fatalf("got %v", err)
	}
	if _, _, err := gatherItems(t.Context(), t.TempDir()); err == nil {
		t.Fatal("a directory gave lines")
	}
}

func TestOwnSourcesAreThereForWhoHasNone(t *testing.T) {
	items, err := goItems(t.Context(), ownSources)
	if err != nil || len(items) == 0 {
		t.Fatalf("got %d items, %v", len(items), err)
	}
}
