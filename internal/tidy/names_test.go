package tidy

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// stray are names that say nothing of what is inside, so that everything ends up there.
var stray = []string{"util", "utils", "helper", "helpers", "manager", "common", "base", "impl", "misc"}

func names(s source) (wrong []string) {
	words := strings.FieldsFunc(strings.TrimSuffix(s.path, ".go")+"/"+s.ast.Name.Name, func(r rune) bool {
		return r == '/' || r == '_' || r == '-' || r == '.'
	})
	for _, word := range slices.Compact(words) {
		if slices.Contains(stray, word) {
			wrong = append(wrong, fmt.Sprintf("%s: %q says nothing of what is in it", s.path, word))
		}
	}
	return wrong
}

func TestNamesSaySomething(t *testing.T) { obey(t, names) }

func TestNamesFindsStrayWords(t *testing.T) {
	prove(t, names,
		example{"internal/util/a.go", "package a", 1},
		example{"internal/peer/link_helper.go", "package peer", 1},
		example{"internal/peer/base_test.go", "package peer", 1},
		example{"internal/peer/a.go", "package common", 1},
		example{"internal/peer/baseline.go", "package peer", 0},
	)
}

// TestOnePackageDoc: the words about a package stand in one known place.
func TestOnePackageDoc(t *testing.T) {
	for _, wrong := range docs(tree(t)) {
		t.Error(wrong)
	}
}

func docs(sources []source) (wrong []string) {
	documented := make(map[string]int)
	for _, s := range sources {
		n := documented[s.room]
		if s.ast.Doc != nil {
			n++
			if path.Base(s.path) != "doc.go" && !s.within("examples") {
				wrong = append(wrong, s.path+": the package's doc belongs in doc.go")
			}
		}
		documented[s.room] = n
	}
	for room, n := range documented {
		if n != 1 {
			wrong = append(wrong, fmt.Sprintf("%s: %d package docs; one, in doc.go, says what the room is for, "+
				"what it is not for, and what it may import", room, n))
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestDocsFindsMissingAndStray(t *testing.T) {
	for _, c := range []struct {
		files []string // path and text in turn
		wrong int
	}{
		{[]string{"a/doc.go", "// Package a is.\npackage a", "a/b.go", "package a"}, 0},
		{[]string{"a/b.go", "package a"}, 1},
		{[]string{"a/b.go", "// Package a is.\npackage a"}, 1},
		{[]string{"a/doc.go", "// Package a is.\npackage a", "a/b.go", "// More.\npackage a"}, 2},
		{[]string{"a/doc.go", "//go:build linux\n\npackage a"}, 1},
		{[]string{"examples/a/main.go", "// Command a shows.\npackage main"}, 0},
	} {
		var sources []source
		for file := range slices.Chunk(c.files, 2) {
			s, err := parse(file[0], file[1])
			if err != nil {
				t.Fatal(err)
			}
			sources = append(sources, s)
		}
		if got := docs(sources); len(got) != c.wrong {
			t.Errorf("%q: found %q, want %d findings", c.files, got, c.wrong)
		}
	}
}
