package nodetest

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// home is where the binary of this process of tests stands.
var home = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "caucus-nodetest-") })

// program builds the binary once for all tests of a process, misled the one whose clocks tests set, next the
// one of the next feature level. The latter two are the same code, compiled once and linked twice.
var (
	program = sync.OnceValues(func() (string, error) { return build("cmd/caucus", "") })
	misled  = sync.OnceValues(func() (string, error) { return build("cmd/caucus", "misled", "-tags", "chaos") })
	next    = sync.OnceValues(func() (string, error) {
		return build("cmd/caucus", "next", "-tags", "chaos",
			"-ldflags", "-X "+module+"internal/machine.version=next")
	})
)

const module = "github.com/caucus-project/caucus/"

// build builds a program of this module into home, of one kind or another.
func build(folder, kind string, flags ...string) (string, error) {
	dir, err := home()
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, path.Base(folder)+kind)
	args := slices.Concat([]string{"build", "-o", out}, flags, []string{module + folder})
	build := exec.Command("go", args...)
	said, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, said)
	}
	return out, nil
}

// Build builds the program that is in a folder of this module, such as "examples/lamps", and says where it
// is.
func Build(t testing.TB, folder string) string {
	t.Helper()
	return built(t, folder, "")
}

// BuildMisled is Build for a program whose clocks a test sets; see Clocks.
func BuildMisled(t testing.TB, folder string) string {
	t.Helper()
	return built(t, folder, "misled", "-tags", "chaos")
}

func built(t testing.TB, folder, kind string, flags ...string) string {
	t.Helper()
	path, err := build(folder, kind, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Binary builds the binary, once for all tests of a process, and says where it is.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Misled is Binary for one whose clocks tests set; see Clocks.
func Misled(t testing.TB) string {
	t.Helper()
	path, err := misled()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Next is Binary for one of the version to come: it supports the next feature level (SAFETY B20).
func Next(t testing.TB) string {
	t.Helper()
	path, err := next()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Main runs the tests of a package and removes the binary that they used. A TestMain that only returns
// leaves the exit status to the testing package.
func Main(m interface{ Run() int }) {
	m.Run()
	dir, err := home()
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "nodetest:", err)
	}
}
