package tool

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Redis starts a redis-server of the test's own, which ends with it, and gives its Unix socket. Nothing of it
// is on disk.
func Redis(t testing.TB) (socket string) {
	t.Helper()
	Need(t, "redis-server")
	socket = filepath.Join(t.TempDir(), "redis")
	cmd := exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
		"--appendonly", "no")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "eady to accept connections") {
			return socket
		}
	}
	t.Fatal("redis-server ended before it was ready")
	return ""
}
