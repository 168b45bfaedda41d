package ui_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caucus-project/caucus/internal/httpd/ui"
)

// sources gives what the files hold, by name.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS("web"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile("web/" + name)
		all[name] = string(content)
		return err
	})
	if err != nil || len(all) < 5 {
		t.Fatal(all, err)
	}
	return all
}

func TestEveryFileIsServed(t *testing.T) {
	for name, content := range sources(t) {
		path := ui.Root + name
		if name == "index.html" {
			path = ui.Page
		}
		file := ui.Find(path)
		if file == nil {
			t.Fatalf("there is nothing at %s", path)
		}
		r, err := gzip.NewReader(bytes.NewReader(file.Zipped))
		if err != nil {
			t.Fatal(err)
		}
		unzipped, err := io.ReadAll(r)
		if err != nil || string(unzipped) != content || string(file.Plain) != content {
			t.Errorf("%s is not what the file holds: %v", path, err)
		}
		if file.Type == "" || len(file.Tag) != 24 {
			t.Errorf("%s is %q with tag %q", path, file.Type, file.Tag)
		}
	}
	for _, path := range []string{"", "/ui/", "/ui/index.html", "/ui/none.js", "/ui", "/web/main.js"} {
		if ui.Find(path) != nil {
			t.Errorf("there is something at %q", path)
		}
	}
}

// What would let text of clients become markup or code, and what the policy would not let run anyway.
var dangerous = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|` +
	`new Function|DOMParser|srcdoc|setHTML|createContextualFragment|javascript:`)

var inline = regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>|<script [^>]*>[^<]|https?://`)

func TestNothingMakesMarkupOfText(t *testing.T) {
	for name, content := range sources(t) {
		if found := dangerous.FindString(content); found != "" {
			t.Errorf("%s has %s; elements are made by dom.js, and text is text", name, found)
		}
		if found := inline.FindString(content); found != "" && strings.HasSuffix(name, ".html") {
			t.Errorf("%s has %q, which the policy forbids", name, found)
		}
	}
}

var loads = regexp.MustCompile(`(?:from|import) "\./([\w.]+)"|(?:href|src)="/ui/([\w.]+)"`)

// Whatever is loaded is there, and whatever is there is loaded.
func TestNothingIsMissing(t *testing.T) {
	all := sources(t)
	loaded := map[string]bool{"index.html": true}
	for name, content := range all {
		for _, found := range loads.FindAllStringSubmatch(content, -1) {
			wanted := found[1] + found[2]
			loaded[wanted] = true
			if _, ok := all[wanted]; !ok {
				t.Errorf("%s loads %s, which is not there", name, wanted)
			}
		}
	}
	for name := range all {
		if !loaded[name] {
			t.Errorf("nothing loads %s", name)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for name, content := range sources(t) {
		if n := strings.Count(content, "\n"); n > 450 {
			t.Errorf("%s has %d lines, at most 450", name, n)
		}
		number := 0
		for line := range strings.SplitSeq(content, "\n") {
			number++
			if n := utf8.RuneCountInString(line); n > 130 {
				t.Errorf("%s:%d: %d columns", name, number, n)
			}
		}
	}
}
