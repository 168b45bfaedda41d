package nodetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// program builds the binary once for all tests of a process.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "caucus-nodetest-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "caucus")
	build := exec.Command("go", "build", "-o", path, "github.com/caucus-project/caucus/cmd/caucus")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", errors.Join(fmt.Errorf("go build: %w\n%s", err, out), os.RemoveAll(dir))
	}
	return path, nil
})

// Main runs the tests of a package and removes the binary that they used. A TestMain that only returns leaves
// the exit status to the testing package.
func Main(m interface{ Run() int }) {
	m.Run()
	if path, err := program(); err == nil {
		if err := os.RemoveAll(filepath.Dir(path)); err != nil {
			fmt.Fprintln(os.Stderr, "nodetest:", err)
		}
	}
}
