package tests

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// names gives the nodes of the ensemble as one of them knows them.
func (s *server) names() (list []string) {
	rows, ok := s.do("ENSEMBLE", "NODES").([]any)
	if !ok {
		s.t.Fatal("ENSEMBLE NODES is no list")
	}
	for _, row := range rows {
		list = append(list, row.([]any)[1].(string))
	}
	return list
}

// has waits until a server's own state holds a value.
func (s *server) has(key, value string) {
	s.t.Helper()
	eventually(s.t, s.name+" holds "+key, func() bool {
		found, err := s.local(key)
		return err == nil && found[key] == value
	})
}

func TestJoinThroughFollower(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 2)
	follower := list[0]
	if leader(t, list) == follower {
		follower = list[1]
	}
	s := newServer(t, "n3", "--join", follower.client)
	s.start()
	s.votes()
	s.do("SET", "from", "n3")
	for _, one := range list {
		one.has("from", "n3")
	}
}

// A newcomer whose address to join is down keeps trying, says so, and comes in once somebody is there.
func TestJoinBeforeAnybodyIsThere(t *testing.T) {
	t.Parallel()
	first := newServer(t, "n1")
	s := newServer(t, "n2", "--join", first.client)
	s.launch()
	eventually(t, "it says twice that it is not joined", func() bool {
		return strings.Count(s.said(), "not joined yet; still trying") >= 2
	})
	s.wantSaid(first.client, "connection refused")
	wantLoading(t, s.client)
	first.start()
	s.serving()
	s.votes()
}

// wantLoading asks a door that stands open too early: nobody waits at it without a word.
func wantLoading(t *testing.T, addr string) {
	t.Helper()
	line, err := nodetest.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	reply, err := line.Do("GET", "key")
	if err != nil || !errors.Is(reply.Err(), caucus.ErrLoading) {
		t.Errorf("a node that has not joined answers %q (%v)", reply.Text(), err)
	}
}

// A newcomer that dies anywhere on its way in goes on where it was, and is never in twice.
func TestJoinKilledOnTheWay(t *testing.T) {
	t.Parallel()
	first := newServer(t, "n1")
	first.start()
	first.do("SET", "before", "it came")
	s := newServer(t, "n2", "--join", first.client)
	for range 12 {
		s.launch()
		time.Sleep(time.Duration(rand.IntN(250)) * time.Millisecond)
		s.kill()
	}
	s.start()
	s.votes()
	s.has("before", "it came")
	if got := first.names(); len(got) != 2 {
		t.Errorf("nodes: %v", got)
	}
	first.do("SET", "after", "both vote") // needs both
}

// A node is its directory and not its address: it comes back elsewhere, and the others find it.
func TestOtherAddresses(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	move := func(s *server) {
		s.kill()
		s.client, s.peer = nodetest.FreeAddress(t), nodetest.FreeAddress(t)
		s.start()
	}
	move(list[2])
	list[2].do("SET", "moved", "n3")
	list[1].kill() // now every write needs n3 at its new address
	list[0].do("SET", "without", "n2")
	list[2].has("without", "n2")
	list[1].start()
	move(list[0])
	list[2].kill()
	list[0].do("SET", "without", "n3")
	list[1].has("without", "n3")
	for _, s := range list[:2] { // that there once were two voters is no news when the log is read again
		if text := s.said(); strings.Contains(text, "two voters tolerate no loss") {
			t.Errorf("%s warns of two voters, and there are three:\n%s", s.name, text)
		}
	}
}

// All addresses change while all are down: nobody knows where anybody is, and one --join is enough
// of a hint.
func TestAllAddressesChange(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	list[0].do("SET", "before", "the move")
	for _, s := range list {
		s.kill()
		s.client, s.peer, s.flags = nodetest.FreeAddress(t), nodetest.FreeAddress(t), nil
	}
	for _, s := range list[1:] {
		s.flags = []string{"--join", list[0].client}
	}
	for _, s := range list {
		s.start()
	}
	list[2].do("SET", "after", "the move")
	for _, s := range list {
		s.has("after", "the move")
		s.has("before", "the move")
	}
}

// A node that was away while the log that it lacks was purged gets a snapshot, also when it dies
// while taking it.
func TestSnapshotForLaggard(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3, "--snapshot", "200")
	laggard := list[2]
	laggard.kill()
	c := list[0].redis()
	big := strings.Repeat("x", 64<<10)
	for i := range 1000 {
		if err := c.Set(context.Background(), "key"+strconv.Itoa(i), strconv.Itoa(i)+big, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "snapshots of all of it", func() bool {
		return list[0].report().Saved > 900 && list[1].report().Saved > 900
	})
	for _, s := range list[:2] { // what they keep in memory for laggards goes with them
		s.kill()
	}
	for _, s := range list[:2] {
		s.start()
	}
	for range 3 {
		laggard.launch()
		eventually(t, "a snapshot is on its way", func() bool {
			half, err := filepath.Glob(filepath.Join(laggard.dir, "snap", "*.tmp"))
			return err == nil && len(half) > 0 || laggard.report().Applied > 1000
		})
		laggard.kill()
	}
	laggard.start()
	list[0].do("SET", "last", "one")
	laggard.has("last", "one")
	laggard.has("key999", "999"+big)
	eventually(t, "it says that it caught up by a snapshot", func() bool {
		return laggard.report().Saved > 900
	})
	if left, err := filepath.Glob(filepath.Join(laggard.dir, "snap", "*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("half snapshots left behind: %v %v", left, err)
	}
	laggard.votes()
}

// The log is forgotten behind the snapshots, so a directory does not grow with what was written.
func TestLogIsPurged(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n1", "--snapshot", "20")
	s.start()
	c := s.redis()
	big := strings.Repeat("x", 1<<20)
	for i := range 300 {
		if err := c.Set(context.Background(), "key"+strconv.Itoa(i%4), strconv.Itoa(i)+big, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "at most three segments of 64 MiB are left of 300 MiB", func() bool {
		return folderSize(t, filepath.Join(s.dir, "log")) <= 3*64<<20
	})
	s.kill()
	s.start()
	if got := s.do("GET", "key3"); got != "299"+big {
		t.Errorf("key3 is %.10v...", got)
	}
}

func folderSize(t testing.TB, dir string) (sum int64) {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if info, err := n.Info(); err == nil { // it may be deleted meanwhile
			sum += info.Size()
		}
	}
	return sum
}

// Of several newcomers with one name, who all ask at once, one comes in; the others are told what
// to do.
func TestOneNameManyNewcomers(t *testing.T) {
	t.Parallel()
	first := newServer(t, "n1")
	first.start()
	var list []*server
	for range 5 {
		list = append(list, newServer(t, "n2", "--join", first.client))
	}
	for _, s := range list {
		s.launch()
	}
	var in []*server
	eventually(t, "every newcomer is in or has ended", func() bool {
		in = nil
		for _, s := range list {
			if s.now().Ready() != "" {
				in = append(in, s)
			} else if s.now().Running() {
				return false
			}
		}
		return true
	})
	if names := first.names(); len(in) != 1 || len(names) != 2 {
		t.Fatalf("%d came in; the nodes are %v", len(in), names)
	}
	for _, s := range list {
		if s != in[0] {
			s.wantSaid("CONFLICT", `the name "n2" belongs to node 2`, "start the new node with another --id")
		}
	}
}
