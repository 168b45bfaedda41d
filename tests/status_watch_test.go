//go:build linux

package tests

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// In a terminal caucus status --watch draws the tables anew and tells what changes: here a node that is
// killed and comes back. It ends well when it is interrupted.
func TestStatusWatchOnATerminal(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	screen, program := openTerminal(t)
	cmd := nodetest.Command(t, nodetest.Binary(t), "status", "--watch", "--every", "100ms",
		"--addr",
		strings.Join(c.Addrs(), ","))
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "TERM=xterm", "NO_COLOR=1"), program, program
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = program.Close() // the command has it
	lines := bufio.NewReader(screen)
	see := func(want string) {
		t.Helper()
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("%v, and nothing of %q", err, want)
			}
			if strings.Contains(line, want) {
				return
			}
		}
	}
	see("3 nodes, 0 of them unreachable")
	see("ensemble ")
	see("\x1b[2KNAME")
	c.Kill(2)
	see("n3 cannot be reached")
	see("warning: a node cannot be reached")
	c.Restart(2)
	see("n3 is back, as follower")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, screen) }() // so that it is not held up by a full terminal
	if err := cmd.Wait(); err != nil {
		t.Errorf("interrupted: %v", err)
	}
}

// For programs it is a line of JSON each time, and it ends when nobody reads any more.
func TestStatusWatchForPrograms(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	cmd := nodetest.Command(t, nodetest.Binary(t), "status", "--watch", "--json", "--every",
		"100ms",
		"--addr", c.Addr(0))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	in := json.NewDecoder(out)
	for range 3 {
		var s struct{ Leader string }
		if err := in.Decode(&s); err != nil || s.Leader != "n1" {
			t.Errorf("%+v, %v", s, err)
		}
	}
	_ = out.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("nobody reads: %v", err)
	}
	if status, _, said := verb(t, "status", "--watch", "--every", "1ms"); status != 2 ||
		!strings.Contains(said, "--every must be 100ms") {
		t.Errorf("status %d, said %q", status, said)
	}
}
