package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/bench/loop"
)

// BuildCaucus builds the binary of the module that this one is part of into a directory.
func BuildCaucus(ctx context.Context, dir string) (path string, err error) {
	root, err := Root(ctx)
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "caucus")
	build := exec.CommandContext(ctx, "go", "build", "-C", root, "-trimpath", "-o", path, "./cmd/caucus")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building caucus in %s: %w\n%s", root, err, said)
	}
	return path, nil
}

// Root gives the directory of the module caucus.
func Root(ctx context.Context) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/caucus-project/caucus")
	said, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("where is caucus? Run this in its folder bench (go run -C bench .): %w", err)
	}
	return strings.TrimSpace(string(said)), nil
}

// OpenCaucus starts n nodes that found an ensemble together. All settings are defaults; without a password.
func (h House) OpenCaucus(ctx context.Context, n int) (*Ensemble, error) {
	e, err := h.seat("caucus", n)
	if err != nil {
		return nil, err
	}
	e.mark = "ready id="
	e.command = func(i int) []string {
		return []string{h.Caucus, "serve", "--id", e.name(i), "--listen", e.Addrs[i], "--http", "off",
			"--data", e.home(i), "--ensemble", e.roll()}
	}
	if e, err = e.open(ctx); err != nil {
		return nil, err
	}
	if _, err := e.Leading(ctx); err != nil {
		_ = e.Stop() // that it did not settle is the news
		return nil, err
	}
	return e, nil
}

// roll lists the nodes as --ensemble wants them.
func (e *Ensemble) roll() string {
	list := make([]string, len(e.Addrs))
	for i, addr := range e.Addrs {
		list[i] = e.name(i) + "/" + addr
	}
	return strings.Join(list, ",")
}

// leadingCaucus gives the number of the node that leads. It is an error when none does, or when one does
// not vote.
func (e *Ensemble) leadingCaucus() (leader int, err error) {
	leader = -1
	for i, addr := range e.Addrs {
		var is struct {
			State   string
			Learner bool
			Peers   map[string]struct{}
		}
		text, err := ask(addr, "INFO", "json")
		if err != nil {
			return -1, err
		}
		if err := json.Unmarshal([]byte(text), &is); err != nil {
			return -1, err
		}
		if is.Learner || len(is.Peers) != len(e.Addrs)-1 {
			return -1, fmt.Errorf("%s does not vote yet", e.name(i))
		}
		if is.State == "l" {
			leader = i
		}
	}
	if leader < 0 {
		return -1, fmt.Errorf("no node of caucus leads")
	}
	return leader, nil
}

// ask has one command carried out by a server that speaks RESP.
func ask(addr string, words ...string) (string, error) {
	line, err := loop.DialRESP(addr)
	if err != nil {
		return "", err
	}
	defer line.Close()
	reply, err := line.Do(caucus.Command(words))
	if err != nil {
		return "", err
	}
	return reply.Text(), nil
}
