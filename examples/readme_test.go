package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// program takes the one whole Go program out of the README.
func program(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?ms)^```go\n(package main\n.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(found) != 1 {
		t.Fatalf("the README has %d whole programs, want 1", len(found))
	}
	return found[0][1]
}

// The program of the README builds as it stands. One copy leads; when it is asked to end it does so well, and
// another goes on.
func TestReadmeProgram(t *testing.T) {
	text, dir := program(t), t.TempDir()
	if lines := strings.Count(text, "\n"); lines >= 30 {
		t.Errorf("it has %d lines, want less than 30", lines)
	}
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gofmt", "-l", source).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("gofmt would change it: %v, %s", err, out)
	}
	built := filepath.Join(dir, "program")
	if out, err := exec.Command("go", "build", "-o", built, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Chdir(dir) // its data are there
	s := stageOf(t, built)
	var addrs []string
	for range 3 {
		addrs = append(addrs, nodetest.FreeAddresses(t, 2)[0]) // its peers come to the next port
	}
	first := s.start(addrs[0])
	votes(t, addrs[0])
	for _, addr := range addrs[1:] {
		s.start(addr, addrs[0])
		votes(t, addr)
	}
	leads := func(lines []string) bool {
		return slices.ContainsFunc(lines, func(line string) bool {
			return strings.Contains(line, " leading term=") && strings.HasSuffix(line, " error=<nil>")
		})
	}
	s.await("the first leads", 0, leads)
	s.stop(first)
	s.await("another leads", len(s.said()), leads)
}
