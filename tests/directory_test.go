package tests

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// used gives a stopped server whose directory holds some writes.
func used(t *testing.T, flags ...string) *server {
	t.Helper()
	s := newServer(t, "n1", flags...)
	s.start()
	for i := range 20 {
		s.do("SET", "key"+strconv.Itoa(i), strings.Repeat("v", 300))
	}
	s.kill()
	return s
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	for door, addr := range map[string]func(*server) string{
		"client": func(s *server) string { return s.client },
		"peer":   func(s *server) string { return s.peer },
	} {
		s := newServer(t, "n1")
		taken, err := net.Listen("tcp", addr(s))
		if err != nil {
			t.Fatal(err)
		}
		s.refuses("the "+door+" door cannot listen on "+addr(s),
			"stop what uses the port, or choose another address")
		if _, err := os.Stat(filepath.Join(s.dir, "identity")); !os.IsNotExist(err) {
			t.Errorf("a node whose %s door could not open has founded an ensemble (%v)", door, err)
		}
		taken.Close()
		s.start() // nothing was spoilt
		s.kill()
	}
}

func TestSecondProcessOnDirectory(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n1")
	s.start()
	second := newServer(t, "n1")
	second.dir = s.dir
	info := s.do("INFO", "server").(string)
	_, after, _ := strings.Cut(info, "process_id:")
	pid, _, _ := strings.Cut(after, "\r\n")
	second.refuses(s.dir, "the data directory is in use", "process "+pid,
		"stop that process or choose another directory")
	s.do("SET", "still", "there")
}

func TestForeignDirectory(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n1")
	write(t, filepath.Join(s.dir, "thesis.txt"), []byte("do not lose"))
	s.refuses(s.dir, `it holds "thesis.txt" and no identity`, "choose an empty directory")
	if left := read(t, filepath.Join(s.dir, "thesis.txt")); string(left) != "do not lose" {
		t.Errorf("the file now holds %q", left)
	}
}

// The log of another node in the right place is noticed too.
func TestForeignLog(t *testing.T) {
	t.Parallel()
	s, other := used(t), used(t)
	for _, folder := range []string{"log", "snap"} {
		own := filepath.Join(s.dir, folder)
		if err := os.RemoveAll(own); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(other.dir, folder), own); err != nil {
			t.Fatal(err)
		}
	}
	s.refuses(s.dir, "not a data directory of this node", "put the right file back")
}

func TestOtherName(t *testing.T) {
	t.Parallel()
	s := used(t)
	s.name = "n2"
	s.refuses(s.dir, `it belongs to node "n1", not "n2"`, "start it under its own --id")
}

func TestNewerFormats(t *testing.T) {
	t.Parallel()
	s := used(t)
	path := filepath.Join(s.dir, "identity")
	var identity map[string]any
	if err := json.Unmarshal(read(t, path), &identity); err != nil {
		t.Fatal(err)
	}
	identity["format"] = 2
	text, err := json.Marshal(identity)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, text)
	s.refuses(path, "written by a newer version", "format 2", "start the newer version")
}

func TestDamagedIdentity(t *testing.T) {
	t.Parallel()
	s := used(t)
	path := filepath.Join(s.dir, "identity")
	text := strings.Replace(string(read(t, path)), `"raft_id": 1`, `"raft_id": 2`, 1)
	write(t, path, []byte(text))
	s.refuses(path, "is damaged", "checksum")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.refuses(s.dir, "is damaged", "no identity")
}

// A bit that changed in an entry that was acknowledged is never cut off.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	s := used(t)
	path := newest(t, s, "log")
	whole := read(t, path)
	at := strings.Index(string(whole), strings.Repeat("v", 300))
	if at < 0 {
		t.Fatal("the values are not in the log as they are")
	}
	broken := slices.Clone(whole)
	broken[at+7] ^= 4
	write(t, path, broken)
	s.refuses(path, "is damaged at byte", "checksum", "start the node with the same line and --join")
	if got := read(t, path); string(got) != string(broken) {
		t.Error("the refused file was changed")
	}
	write(t, path, whole)
	s.start()
	if got := s.do("GET", "key19"); got != strings.Repeat("v", 300) {
		t.Errorf("key19 is %.20v", got)
	}
}

// An append that power failure cut short was never acknowledged. It is undone and said.
func TestTornTail(t *testing.T) {
	t.Parallel()
	s := used(t)
	path := newest(t, s, "log")
	b := read(t, path)
	end := len(strings.TrimRight(string(b), "\x00"))
	copy(b[end+4096:], "a later sector of an append whose first one was not written")
	write(t, path, b)
	s.start()
	s.wantSaid("the data directory was repaired", path, "was interrupted and is undone")
	if got := s.do("GET", "key19"); got != strings.Repeat("v", 300) {
		t.Errorf("key19 is %.20v", got)
	}
	s.do("SET", "more", 1)
	s.kill()
	s.start()
	if strings.Contains(s.said(), "repaired") {
		t.Error("it was repaired once more")
	}
}

// While the log still continues the older of two snapshots, a damaged newer one is set aside; with
// no older one the node refuses.
func TestDamagedSnapshot(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n1", "--snapshot", "50")
	s.start()
	for i := range 220 {
		s.do("SET", "key"+strconv.Itoa(i), i)
	}
	eventually(t, "snapshots", func() bool { return s.report().Saved > 150 })
	s.kill()
	newer := spoil(t, newest(t, s, "snap"))
	s.start()
	s.wantSaid("the data directory was repaired", newer, "is damaged", "it was moved to", "quarantine")
	for i := range 220 {
		if got := s.do("GET", "key"+strconv.Itoa(i)); got != strconv.Itoa(i) {
			t.Fatalf("key%d is %v", i, got)
		}
	}
	s.kill()
	names, err := os.ReadDir(filepath.Join(s.dir, "snap"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		spoil(t, filepath.Join(s.dir, "snap", n.Name()))
	}
	s.refuses(newest(t, s, "snap"), "is damaged",
		"start the node with the same line and --join")
}

// spoil changes a byte in the middle of a file.
func spoil(t *testing.T, path string) string {
	t.Helper()
	b := read(t, path)
	b[len(b)/2] ^= 0x10
	write(t, path, b)
	return path
}

// newest gives the last file of a folder of the data directory.
func newest(t *testing.T, s *server, folder string) string {
	t.Helper()
	names, err := os.ReadDir(filepath.Join(s.dir, folder))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s has no files: %v", folder, err)
	}
	return filepath.Join(s.dir, folder, names[len(names)-1].Name())
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A directory that was made to join an ensemble and has not done so never founds one.
func TestToJoinWithoutJoin(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n2")
	nobody := nodetest.FreeAddress(t)
	s.launch("--join", nobody)
	s.hears("not joined yet; still trying")
	s.kill()
	s.refuses(s.dir, "it was made to join an ensemble and has not done so yet",
		"start it with the --join (Join) or the list (Peers) it had, or remove it to found a new ensemble")
}

func TestPasswordFile(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n1")
	missing := filepath.Join(t.TempDir(), "password")
	s.flags = []string{"--password-file", missing}
	s.refuses("--password-file", missing, "no such file")
	write(t, missing, []byte("\n"))
	s.refuses("--password-file", "the file is empty; put the password on its first line")
}

// A node with another password is not let in, and says why; with the right one it is.
func TestWrongPasswordBetweenNodes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	secret := func(name, text string) string {
		path := filepath.Join(folder, name)
		write(t, path, []byte(text+"\n"))
		return path
	}
	first := newServer(t, "n1", "--password-file", secret("right", "swordfish"))
	first.start()
	second := newServer(t, "n2", "--join", first.client)
	second.launch("--password-file", secret("wrong", "codfish"))
	second.hears("WRONGPASS")
	second.kill()
	second.launch()
	second.hears("NOAUTH")
	second.kill()
	second.start("--password-file", secret("right", "swordfish"))
	second.kill()
	second.launch("--password-file", secret("wrong", "codfish"))
	second.hears("password")
	second.kill()
	open := newServer(t, "n3")
	open.start()
	secretive := newServer(t, "n4", "--join", open.client, "--password-file", secret("right", "swordfish"))
	secretive.refuses("only one of the two has any", "--password-file")
}
