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
	text := strings.Join((&screen{}).paint(somePicture()), "\n")
	if strings.Contains(text, "\x1b") {
		t.Fatalf("colour where none is wanted: %q", text)
	}
	for _, want := range []string{"n1 killed", "n2 leader", "1 of 2, epoch 9", "1,234 done", "12·"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestDrawingReplacesThePictureAndKeepsTheLines(t *testing.T) {
	var out strings.Builder
	s := &screen{out: &out, live: true}
	s.draw([]string{"one", "two"})
	s.plain("kept")
	s.draw([]string{"three"})
	if want := "one\ntwo\n\x1b[2A\x1b[Jkept\nthree\n"; out.String() != want {
		t.Fatalf("wrote %q, want %q", out.String(), want)
	}
}

func TestNothingIsDrawnWhereItCannotBeWiped(t *testing.T) {
	var out strings.Builder
	s := &screen{out: &out}
	s.draw([]string{"one"})
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
