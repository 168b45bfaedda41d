package nodetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// home is where the binary of this process of tests stands.
var home = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "caucus-nodetest-") })

// program builds the binary once for all tests of a process.
var program = sync.OnceValues(func() (string, error) {
	dir, err := home()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "caucus")
	build := exec.Command("go", "build", "-o", path, "github.com/caucus-project/caucus/cmd/caucus")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// Binary builds the binary, once for all tests of a process, and says where it is.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Main runs the tests of a package and removes the binary that they used. A TestMain that only returns leaves
// the exit status to the testing package.
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
