package deploy

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

const unitFile = "systemd/caucus.service"

// systemd takes the unit, and finds it well enclosed: its exposure is 1.4 of 10, and may be 2.0.
func TestTheUnit(t *testing.T) {
	tool.Need(t, "systemd-analyze")
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	// What it starts must be there to be verified.
	here := filepath.Join(t.TempDir(), "caucus.service")
	text = []byte(strings.ReplaceAll(string(text), "/usr/local/bin/caucus ", nodetest.Binary(t)+" "))
	if err := os.WriteFile(here, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--man=no", here},
		{"security", "--offline=true", "--threshold=20", "--no-pager", here}} {
		said, err := nodetest.Command(t, "systemd-analyze", args...).CombinedOutput()
		if err != nil || args[0] == "verify" && strings.Contains(string(said), "caucus.service:") {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, said)
		}
	}
}

// A node started as the unit does tells its service manager when it serves and when it stops.
func TestTheUnitIsToldOfTheNode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(string(text))
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"),
		Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(testPassword), 0o600); err != nil {
		t.Fatal(err)
	}
	line := strings.NewReplacer("/usr/local/bin/caucus", nodetest.Binary(t), "/var/lib/caucus", dir,
		"${CREDENTIALS_DIRECTORY}", dir, "$CAUCUS_SERVE", "--listen 127.0.0.1:0 --peer-listen 127.0.0.1:0 "+
			"--http off").
		Replace(start[1])
	words := strings.Fields(line)
	cmd := nodetest.Command(t, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket.LocalAddr().String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := func(want string) {
		t.Helper()
		b := make([]byte, 100)
		n, err := socket.Read(b)
		if got := string(b[:n]); err != nil || got != want {
			t.Errorf("the service manager is told %q, %v; want %q", got, err, want)
		}
	}
	told("READY=1")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	told("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
