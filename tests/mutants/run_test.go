package mutants

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// verdict is what became of a mutant.
type verdict struct {
	caught bool
	needed string // seeds or seconds, when it was caught
	why    string // when it was not
}

// try runs a mutant's test with its changes laid over the tree, which itself is not touched.
func (m *mutant) try(root, dir string) (verdict, error) {
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return verdict{}, err
	}
	out, failed, err := goTest(root, "-overlay="+overlay, m.test)
	if err != nil {
		return verdict{}, err
	}
	return m.judge(out, failed), nil
}

// overlay writes the changed files into dir, and the list of them that go build takes.
func (m *mutant) overlay(root, dir string) (string, error) {
	changed, err := m.apply(root)
	if err != nil {
		return "", err
	}
	var list struct{ Replace map[string]string }
	list.Replace = map[string]string{}
	for file, text := range changed {
		put := filepath.Join(dir, m.name+"-"+strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(put, []byte(text), 0o600); err != nil {
			return "", err
		}
		list.Replace[filepath.Join(root, file)] = put
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, m.name+".json")
	return path, os.WriteFile(path, b, 0o600)
}

// goTest runs go test and says whether it failed. A flag goes by the environment, so that it holds for what
// the test builds too.
func goTest(root, flag string, args []string) (out string, failed bool, err error) {
	args = append([]string{"test", "-count=1", "-vet=off", "-failfast", "-timeout=20m"}, args...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" "+flag))
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return b.String(), true, nil
	}
	return b.String(), false, err
}

// judge says whether a test has failed for the right reason.
func (m *mutant) judge(out string, failed bool) verdict {
	switch {
	case !failed:
		return verdict{why: "the test passes"}
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return verdict{why: "it does not build:\n" + out}
	case !m.shows.MatchString(out):
		return verdict{why: fmt.Sprintf("the test fails, and prints nothing like %q:\n%s", m.shows, tail(out))}
	}
	return verdict{caught: true, needed: needed(out)}
}

func tail(out string) string {
	const most = 3000
	return out[max(0, len(out)-most):]
}

var (
	seedFailed = regexp.MustCompile(`(?m)^\s*\S+:\d+: seed (\d+): `)
	failedIn   = regexp.MustCompile(`(?m)^FAIL\t\S+\t(\d+)\.`)
)

// needed reads from a test's output what it took to find the mutant: the first of its seeds that failed, or
// seconds.
func needed(out string) string {
	var seeds []uint64
	for _, found := range seedFailed.FindAllStringSubmatch(out, -1) {
		if seed, err := strconv.ParseUint(found[1], 10, 64); err == nil {
			seeds = append(seeds, seed)
		}
	}
	if len(seeds) > 0 {
		return fmt.Sprintf("seed %d", slices.Min(seeds))
	}
	took := failedIn.FindStringSubmatch(out)
	switch {
	case took == nil:
		return "?"
	case took[1] == "0":
		return "under 1 s"
	}
	return took[1] + " s"
}
