//go:build linux

package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// bury ends the nodes and removes the mounts of runs whose process is gone without having done so. Their
// directories stay: somebody may want to read them.
func bury() error {
	return errors.Join(buryNodes(), buryMounts())
}

// abandoned says whether a text names the directory of a run whose process is gone.
func abandoned(text string) bool {
	_, rest, found := strings.Cut(text, filepath.Join(os.TempDir(), prefix))
	id, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(id)
	return found && err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func buryNodes() (err error) {
	list, err := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range list {
		line, readErr := os.ReadFile(path)
		words := strings.Split(string(line), "\x00")
		if readErr != nil || len(words) < 2 || words[1] != "serve" || !abandoned(string(line)) {
			continue // it may have ended meanwhile
		}
		pid, parseErr := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if parseErr != nil {
			return parseErr
		}
		if killErr := syscall.Kill(pid, syscall.SIGKILL); !errors.Is(killErr, syscall.ESRCH) {
			err = errors.Join(err, killErr)
		}
	}
	return err
}

func buryMounts() error {
	text, err := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) > 1 && abandoned(words[1]) {
			_ = command("fsfreeze", "--unfreeze", words[1]) // it may not be frozen
			err = errors.Join(err, unix.Unmount(words[1], unix.MNT_DETACH))
		}
	}
	return err
}

func TestAbandonedIsWhatOnlyADeadProcessHas(t *testing.T) {
	name := func(pid int) string { return filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-1", prefix, pid), "n1") }
	dead := 1 << 30 // beyond what a process id can be
	for text, want := range map[string]bool{
		name(dead): true, "--data\x00" + name(dead): true, name(os.Getpid()): false, "/var/lib/caucus": false,
		"": false,
	} {
		if got := abandoned(text); got != want {
			t.Errorf("%q: abandoned %v, want %v", text, got, want)
		}
	}
}
