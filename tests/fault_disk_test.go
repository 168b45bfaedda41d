package tests

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// root ends the test unless it may mount disks.
func root(t *testing.T, programs ...string) {
	t.Helper()
	tool.Need(t, programs...)
	dir := t.TempDir()
	if exec.Command("mount", "-t", "tmpfs", "tmpfs", dir).Run() != nil {
		tool.Lack(t, "the right to mount disks (root)")
	}
	run(t, "umount", dir)
}

// run runs a program that must succeed.
func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if text, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, text)
	}
}

// mounted gives a directory on a disk of its own, which is gone after the test and after the servers on it.
func mounted(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	run(t, "mount", append(args, dir)...)
	t.Cleanup(func() { run(t, "umount", dir) })
	return dir
}

// onDisks starts three servers, each on the disk that make gives it, and waits until all vote.
func onDisks(t *testing.T, disk func(i int) string) []*server {
	t.Helper()
	var list []*server
	for i := range 3 {
		at := disk(i)
		s := newServer(t, "n"+strconv.Itoa(i+1))
		s.dir = filepath.Join(at, "data")
		if i > 0 {
			s.flags = append(s.flags, "--join", list[0].client)
		}
		s.start("--http", "127.0.0.1:0")
		list = append(list, s)
	}
	for _, s := range list {
		s.votes()
	}
	return list
}

// http gives the address of the HTTP door.
func (s *server) web() string {
	_, rest, _ := strings.Cut(s.now().Ready(), "http=")
	addr, _, _ := strings.Cut(rest, " ")
	return addr
}

// others gives the servers beside one.
func others(list []*server, one *server) (rest []*server) {
	for _, s := range list {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}

// refusal writes until a write is not carried out, and gives what is said then.
func refusal(line *nodetest.Line) string {
	for {
		reply, err := line.Do("SET", "waits", "1")
		if err != nil {
			return err.Error()
		}
		if reply.Str != "OK" {
			return reply.Str
		}
	}
}

// The disk of a node stands still, as one does that has lost its controller: if the node leads, another
// takes over; it answers who waits, closes its doors and says why; writes go on elsewhere. When the disk
// goes on, so does the node (SAFETY B5).
func TestB5HungDisk(t *testing.T) {
	root(t, "mount", "umount", "mkfs.ext4", "fsfreeze")
	for name, leads := range map[string]bool{"the leader": true, "a follower": false} {
		t.Run(name, func(t *testing.T) {
			disks := map[string]string{}
			list := onDisks(t, func(i int) string {
				image := filepath.Join(t.TempDir(), "disk")
				run(t, "truncate", "-s", "256M", image)
				run(t, "mkfs.ext4", "-q", image)
				disks["n"+strconv.Itoa(i+1)] = mounted(t, "-o", "loop", image)
				return disks["n"+strconv.Itoa(i+1)]
			})
			hung := leader(t, list)
			if !leads {
				hung = others(list, hung)[0]
			}
			rest := others(list, hung)
			line, err := nodetest.Dial(hung.client)
			if err != nil {
				t.Fatal(err)
			}
			defer line.Close()
			waits := make(chan string, 1)
			go func() { waits <- refusal(line) }() // it is at it when the disk freezes
			run(t, "fsfreeze", "--freeze", disks[hung.name])
			frozen := true
			thaw := func() {
				if frozen {
					run(t, "fsfreeze", "--unfreeze", disks[hung.name])
				}
				frozen = false
			}
			defer thaw()
			select {
			case said := <-waits:
				if !strings.HasPrefix(said, "UNCERTAIN") {
					t.Errorf("who waits is answered %q", said)
				}
			case <-time.After(nodetest.Patience):
				t.Fatal("writes go on, though the disk is frozen")
			}
			eventually(t, "its connection is closed, after the answer", func() bool {
				_, err := line.Do("PING")
				return err != nil
			})
			eventually(t, "the others go on", func() bool {
				return rest[0].report().State == "l" || rest[1].report().State == "l"
			})
			for i := range 20 {
				rest[i%2].do("SET", "k"+strconv.Itoa(i), "v")
			}
			if _, err := nodetest.Ask(hung.client, "PING"); err == nil || !strings.Contains(err.Error(), "TRYAGAIN") {
				t.Errorf("a new client is told %v", err)
			}
			eventually(t, "it says that it is not ready, and why", func() bool {
				return strings.Contains(get(t, hung.web(), "/readyz"), "the disk does not answer")
			})
			thaw()
			eventually(t, "it has caught up", func() bool {
				got, err := hung.local("k19")
				return err == nil && got["k19"] == "v"
			})
			hung.do("SET", "after", "1")
		})
	}
}

// get reads a page, whatever its status.
func get(t *testing.T, addr, path string) string {
	t.Helper()
	reply, err := http.Get("http://" + addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fill takes all but so much of the space of a disk, and gives what frees it.
func fill(t *testing.T, disk string, leave string) (free func()) {
	t.Helper()
	ballast := filepath.Join(disk, "ballast")
	script := "fallocate -l $(( $(df --output=avail -B1 " + disk + " | tail -1) - " + leave + " )) " + ballast
	eventually(t, "nobody writes between looking and filling", func() bool {
		return exec.Command("sh", "-c", script).Run() == nil
	})
	return func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
}

// The disks of a majority are full: what grows is refused, what frees is taken, and when there is space
// again so is everything; nothing acknowledged is lost. When only the leader's is full another leads
// (SAFETY B13).
func TestB13FullDisks(t *testing.T) {
	root(t, "mount", "umount", "fallocate", "df")
	t.Parallel()
	var disks []string
	list := onDisks(t, func(int) string {
		disks = append(disks, mounted(t, "-t", "tmpfs", "-o", "size=300m", "tmpfs"))
		return disks[len(disks)-1]
	})
	at := func(s *server) string { return disks[s.name[1]-'1'] }
	list[0].do("SET", "kept", "1")

	old := leader(t, list)
	free := fill(t, at(old), "40*1024*1024")
	eventually(t, "another leads", func() bool {
		return others(list, old)[0].report().State == "l" || others(list, old)[1].report().State == "l"
	})
	old.do("SET", "moved", "1")

	next := leader(t, others(list, old))
	freeNext := fill(t, at(next), "0") // not even a small segment
	c := next.redis()
	eventually(t, "what grows is refused", func() bool {
		err := c.Set(t.Context(), "grows", strings.Repeat("x", 1000), 0).Err()
		return err != nil && strings.HasPrefix(err.Error(), "NOSPACE")
	})
	if n, err := c.Del(t.Context(), "moved").Result(); n != 1 || err != nil {
		t.Errorf("what frees is answered %d, %v", n, err)
	}
	if err := old.redis().Set(t.Context(), "grows", "x", 0).Err(); err == nil ||
		!strings.HasPrefix(err.Error(), "NOSPACE") {
		t.Errorf("through another node what grows is answered %v", err)
	}
	free()
	freeNext()
	eventually(t, "everything is taken", func() bool { return c.Set(t.Context(), "again", "1", 0).Err() == nil })
	for _, s := range list {
		s.has("kept", "1")
		s.has("again", "1")
	}
}

// The disk of a follower has no room for the log any more: it does not die, it waits, says so, and
// catches up when there is room; the others go on meanwhile (SAFETY B13).
func TestB13FollowerWithoutRoomWaits(t *testing.T) {
	root(t, "mount", "umount", "fallocate", "df")
	t.Parallel()
	disks := map[string]string{}
	list := onDisks(t, func(i int) string {
		disk := mounted(t, "-t", "tmpfs", "-o", "size=300m", "tmpfs")
		disks["n"+strconv.Itoa(i+1)] = disk
		return disk
	})
	lead := leader(t, list)
	full := others(list, lead)[0]
	free := fill(t, disks[full.name], "0")
	value := strings.Repeat("x", 1<<20)
	for i := range 80 { // more than a segment of the log has room for
		lead.do("SET", "k"+strconv.Itoa(i), value)
	}
	eventually(t, "it waits for room", func() bool {
		return strings.Contains(full.said(), "the log has no room") &&
			strings.Contains(get(t, full.web(), "/readyz"), "the disk does not answer")
	})
	free()
	eventually(t, "it has caught up", func() bool {
		got, err := full.local("k79")
		return err == nil && got["k79"] == value
	})
	full.do("SET", "after", "1")
}
