package deploy

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

const unitFile, backupUnitFile = "systemd/caucus.service", "systemd/caucus-backup.service"

// systemd takes the units, and finds them well enclosed: their exposure is 1.4 of 10, and may be 2.0.
func TestTheUnit(t *testing.T) {
	tool.Need(t, "systemd-analyze")
	for _, file := range []string{unitFile, backupUnitFile} {
		systemdTakes(t, file)
	}
}

func systemdTakes(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// What it starts must be there to be verified.
	here := filepath.Join(t.TempDir(), filepath.Base(file))
	text = []byte(strings.ReplaceAll(string(text), "/usr/local/bin/caucus ", nodetest.Binary(t)+" "))
	if err := os.WriteFile(here, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--man=no", here},
		{"security", "--offline=true", "--threshold=20", "--no-pager", here}} {
		said, err := nodetest.Command(t, "systemd-analyze", args...).CombinedOutput()
		if err != nil || args[0] == "verify" && strings.Contains(string(said), filepath.Base(file)+":") {
			t.Errorf("systemd-analyze %s %s: %v\n%s", args[0], file, err, said)
		}
	}
}

// A node started as the unit does tells its service manager when it serves and when it stops.
func TestTheUnitIsToldOfTheNode(t *testing.T) {
	t.Parallel()
	start, dir := startOf(t, unitFile), t.TempDir()
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
		Replace(start)
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

// What is started as the backup's unit does takes a backup by itself, and ends well when it is asked to.
func TestTheUnitTakesBackups(t *testing.T) {
	t.Parallel()
	line, dir := startOf(t, backupUnitFile), t.TempDir()
	c := nodetest.Start(t, 1)
	words := strings.Fields(strings.NewReplacer("/usr/local/bin/caucus", nodetest.Binary(t), "/var/lib", dir,
		"--password-file ${CREDENTIALS_DIRECTORY}/password", "").Replace(line))
	cmd := nodetest.Command(t, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "CAUCUS_ADDR="+c.Addr(0))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "a backup is there", func() bool {
		there, err := filepath.Glob(filepath.Join(dir, "caucus-backup", "hourly", "caucus-*.jsonl"))
		return err == nil && len(there) == 1
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// startOf gives the command line that a unit starts.
func startOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(string(text))[1]
}
