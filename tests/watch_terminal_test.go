//go:build linux

package tests

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// openTerminal makes a terminal: what is written to the one is read from the other.
func openTerminal(t *testing.T) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err == nil {
		t.Cleanup(func() { _ = screen.Close() })
		err = unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0)
	}
	n := 0
	if err == nil {
		n, err = unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return screen, program
}

// On a terminal caucus watch says that it waits for the group, and tells what happens in lines for people, in
// colours unless they are not wanted. It ends well when it is interrupted.
func TestWatchOnATerminal(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	for group, w := range map[string]struct{ env, kind string }{
		"colours": {"NO_COLOR=", "\x1b[32mjoined    \x1b[0m"}, "plain": {"NO_COLOR=1", "  joined    "}} {
		screen, program := openTerminal(t)
		cmd := nodetest.Command(t, nodetest.Binary(t), "watch", group, "--addr", c.Addr(0),
			"--from", "0")
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "TERM=xterm", w.env), program, program
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_ = program.Close() // the command has it
		lines := bufio.NewReader(screen)
		see := func(want string) {
			t.Helper()
			if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, want) {
				t.Errorf("%q, %v; want %q", line, err, want)
			}
		}
		see("there is no group " + group + " yet; waiting for it")
		if _, err := nodetest.Ask(c.Addr(0), "GROUP", "JOIN", group, "AS", "ann", "META", "\x1b[2J"); err != nil {
			t.Fatal(err)
		}
		see(w.kind + ` ann on n1, 1 member, metadata "\x1b[2J"`)
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("interrupted: %v", err)
		}
	}
}
