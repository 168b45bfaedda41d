package tests

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

const (
	tellers  = 3
	accounts = 20
	balance  = 1000 // of each account at the beginning
	ballast  = 40_000
)

// teller moves money between accounts, and counts in the same transaction how often it has.
type teller struct {
	n           int
	sent, acked atomic.Int64
}

func (w *teller) counter() string { return "teller:" + strconv.Itoa(w.n) }

// work goes on until it is told to stop. Nothing fails meanwhile: no node is hurt.
func (w *teller) work(addr string, stop <-chan struct{}) error {
	line, err := nodetest.Dial(addr)
	if err != nil {
		return err
	}
	defer line.Close()
	for n := int64(1); ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		w.sent.Store(n)
		from, to := rand.IntN(accounts), rand.IntN(accounts)
		if err := line.Send(caucus.Command{"MULTI"}, caucus.Command{"DECRBY", account(from), "7"},
			caucus.Command{"INCRBY", account(to), "7"},
			caucus.Command{"SET", w.counter(), strconv.FormatInt(n, 10)}, caucus.Command{"EXEC"}); err != nil {
			return err
		}
		for range 5 {
			if reply, err := line.Read(); err != nil || reply.Err() != nil {
				return fmt.Errorf("%v, %w", reply, err)
			}
		}
		w.acked.Store(n)
	}
}

func account(n int) string { return "account:" + strconv.Itoa(n) }

// accountsOpened fills an ensemble: accounts, and so much else that a dump is not all in buffers.
func accountsOpened(t *testing.T, s *server) {
	t.Helper()
	words := []any{"MSET"}
	for i := range accounts {
		words = append(words, account(i), balance)
	}
	s.do(words...)
	for from := 0; from < ballast; from += 2000 {
		words = []any{"MSET"}
		for i := range 2000 {
			words = append(words, "ballast:"+strconv.Itoa(from+i), strings.Repeat("x", 200))
		}
		s.do(words...)
	}
}

// A backup that is taken while writers go on is of one moment: what was acknowledged before is in it, nothing
// is that was sent after, and no transaction is in it by halves. It becomes an ensemble of three.
func TestA16_BackupUnderLoadAndRestore(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3, "--settle", "0s")
	accountsOpened(t, list[0])
	list[0].do("GROUP", "CREATE", "made", "SETTLE", "7")
	term := locked(t, list[0])
	stop := make(chan struct{})
	var all sync.WaitGroup
	workers := [tellers]teller{}
	for i := range workers {
		w := &workers[i]
		w.n = i
		all.Go(func() {
			if err := w.work(list[i%len(list)].client, stop); err != nil {
				t.Errorf("teller %d: %v", i, err)
			}
		})
	}
	moved := func(least int64) {
		before := [tellers]int64{}
		for i := range workers {
			before[i] = workers[i].acked.Load()
		}
		eventually(t, "the tellers go on", func() bool {
			for i := range workers {
				if workers[i].acked.Load() < before[i]+least {
					return false
				}
			}
			return true
		})
	}
	moved(5)
	least := [tellers]int64{}
	for i := range workers {
		least[i] = workers[i].acked.Load()
	}
	file := filepath.Join(t.TempDir(), "backup.jsonl")
	backupSlowly(t, list[2].client, file, func() { moved(5) })
	most := [tellers]int64{}
	for i := range workers {
		most[i] = workers[i].sent.Load()
	}
	moved(5)
	close(stop)
	all.Wait()
	later := locked(t, list[1])

	next := restored(t, file, "another")
	next.start()
	for _, s := range []*server{newServer(t, "n2"), newServer(t, "n3")} {
		s.start("--join", next.client)
		s.votes()
		sum := 0
		for i := range accounts {
			n, err := strconv.Atoi(s.do("GET", account(i)).(string))
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
		if sum != accounts*balance {
			t.Errorf("%s: the accounts have %d, and nothing but %d was ever in them", s.name, sum, accounts*balance)
		}
		for i := range workers {
			n, err := strconv.ParseInt(s.do("GET", workers[i].counter()).(string), 10, 64)
			if err != nil || n < least[i] || n > most[i] {
				t.Errorf("%s: transaction %d of teller %d is the last; %d was acknowledged before the backup, %d "+
					"sent at its end (%v)", s.name, n, i, least[i], most[i], err)
			}
		}
		s.has("ballast:39999", strings.Repeat("x", 200))
		if info := fmt.Sprint(s.do("GROUP", "INFO", "made")); !strings.Contains(info, "settle 7") {
			t.Errorf("%s: the group is %s", s.name, info)
		}
	}
	if later <= term {
		t.Fatalf("the old ensemble gave term %d after %d", later, term)
	}
	fences(t, next, later)
}

// backupSlowly runs caucus backup - into a file, and does something else between its first bytes and the
// others.
func backupSlowly(t *testing.T, addr, file string, meanwhile func()) {
	t.Helper()
	c := nodetest.Command(t, nodetest.Binary(t), "backup", "--addr", addr, "-")
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil || !strings.HasPrefix(first, `{"caucus_dump":1,`) {
		t.Fatalf("%q, %v, %s", first, err, &said)
	}
	meanwhile()
	rest, err := io.ReadAll(lines)
	if err == nil {
		err = c.Wait()
	}
	if err != nil || !strings.Contains(said.String(), "written to standard output") ||
		!strings.Contains(said.String(), "40,023 keys") {
		t.Fatalf("%v: %s", err, &said)
	}
	write(t, file, append([]byte(first), rest...))
}

// restored makes a new server of a backup. It is not started.
func restored(t *testing.T, file, name string) *server {
	t.Helper()
	s := newServer(t, name, "--settle", "0s")
	status, out, said := verb(t, "restore", file, "--data", s.dir, "--id", name)
	if status != 0 || !strings.Contains(out, name+" is now the only node of the new ensemble ") ||
		!strings.Contains(out, "caucus serve --id "+name+" --data "+s.dir) {
		t.Fatalf("status %d: %s%s", status, out, said)
	}
	return s
}

// locked takes a lock at a server, lets it go, and gives its fencing term.
func locked(t *testing.T, s *server) (term int64) {
	t.Helper()
	line, err := nodetest.Dial(s.client)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	eventually(t, "the lock is got", func() bool {
		reply, err := line.Do("LOCK", "ACQUIRE", "l", "TTL", "600000")
		term = reply.Int
		return err == nil && reply.Kind == caucus.KindInt
	})
	reply, err := line.Do("LOCK", "RELEASE", "l", strconv.FormatInt(term, 10))
	if err != nil || reply.Int != 1 {
		t.Fatal(reply, err)
	}
	return term
}

// fences expects that whoever held the lock of the old ensemble under a term is kept out of the new one, in
// which somebody else holds it (SAFETY A16).
func fences(t *testing.T, s *server, old int64) {
	t.Helper()
	line, err := nodetest.Dial(s.client)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	do := func(words ...string) caucus.Reply {
		reply, err := line.Do(words...)
		if err != nil {
			t.Fatal(words, err)
		}
		return reply
	}
	term := do("LOCK", "ACQUIRE", "l", "TTL", "600000").Int
	if term <= old+1<<31 {
		t.Errorf("the old ensemble gave term %d, the new one gives %d", old, term)
	}
	guarded := func(term int64) caucus.Reply {
		do("MULTI")
		do("GUARD", "lock/l", "TERM", strconv.FormatInt(term, 10))
		do("SET", "fenced", strconv.FormatInt(term, 10))
		return do("EXEC")
	}
	if reply := guarded(old); !reply.IsNil() {
		t.Errorf("the old holder is let through: %v", reply)
	}
	if reply := guarded(term); reply.IsNil() || reply.Err() != nil {
		t.Errorf("the holder is kept out: %v", reply)
	}
	if got := do("GET", "fenced").Text(); got != strconv.FormatInt(term, 10) {
		t.Errorf("the guarded key is %s", got)
	}
	if reply := do("CHANGES", "FROM", "1"); reply.Err() == nil || !strings.HasPrefix(reply.Str, "GAP") {
		t.Errorf("who followed the changes of the old ensemble is not told of the gap: %v", reply)
	}
}

// SAFETY A12: a restored ensemble and what is left of the old one do not mix, whoever starts at whose
// address.
func TestA12_RestoredBesideTheOldEnsemble(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	list[0].do("SET", "a", "1")
	file := filepath.Join(t.TempDir(), "backup.jsonl")
	if status, out, said := verb(t, "backup", "--addr", list[0].client, file); status != 0 ||
		!strings.Contains(out, "1 keys") {
		t.Fatalf("status %d: %s%s", status, out, said)
	}
	old := list[0].report().Cluster
	list[0].kill()
	list[1].do("SET", "a", "2")

	// At the address of one of theirs, which they call: it serves nobody for long, and says why.
	usurper := restored(t, file, "n1")
	usurper.client, usurper.peer = list[0].client, list[0].peer
	usurper.refuses("this address belongs to n1 of ensemble "+old, "stop the nodes of the old one first")
	list[1].has("a", "2")

	// Elsewhere both live, each with its own, and turn each other's nodes away.
	next := restored(t, file, "n1")
	next.start()
	next.has("a", "1")
	list[0].start()
	list[0].votes()
	list[0].has("a", "2")
	if got := list[0].report().Cluster; got != old {
		t.Errorf("a node of ensemble %s is now of %s", old, got)
	}
	next.do("SET", "a", "3")
	stray := newServer(t, "n4")
	stray.start("--join", next.client) // who joins comes to where it was told to
	stray.votes()
	stray.has("a", "3")
	list[0].has("a", "2")
	next.has("a", "3")
	if got := next.report(); got.Cluster == old || len(got.Peers) != 1 {
		t.Errorf("the restored node is %+v", got)
	}
}

// Without a majority there is no backup but that of one node, and only when that is asked for.
func TestBackupWithoutAMajority(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	list[0].do("SET", "a", "1")
	list[1].has("a", "1")
	list[0].kill()
	list[2].kill()
	file := filepath.Join(t.TempDir(), "backup.jsonl")
	status, out, said := verb(t, "backup", "--addr", list[1].client, file)
	if _, err := os.Stat(file); status != 1 || !strings.Contains(said, "--local takes what the node has") ||
		!os.IsNotExist(err) {
		t.Errorf("status %d, %v: %s%s", status, err, out, said)
	}
	status, out, said = verb(t, "backup", "--local", "--addr", list[0].client+","+list[1].client, file)
	if status != 0 || !strings.Contains(out, "1 keys") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	status, out, said = verb(t, "restore", "--check", file)
	if status != 0 || !strings.Contains(out, "1 keys") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
}

// A file that is there is not replaced unless that is said; what is left of a backup that failed is nothing.
func TestBackupAndItsFile(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "password")
	write(t, secret, []byte("sesame\n"))
	s := newServer(t, "n1", "--password-file", secret)
	s.start()
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.jsonl")
	for _, c := range []struct {
		status int
		args   []string
		words  string
	}{
		{1, []string{file}, "asks who you are: name the file of your password with --password-file"},
		{1, []string{filepath.Join(dir, "none", "b"), "--password-file", secret}, "no such file or directory"},
		{0, []string{file, "--password-file", secret}, "0 keys"},
		{1, []string{file, "--password-file", secret}, "is there already; choose another name, or"},
		{0, []string{file, "--password-file", secret, "--overwrite"}, "0 keys"},
		{1, []string{dir, "--password-file", secret, "--overwrite"}, "is no ordinary file"},
	} {
		status, out, said := verb(t, append([]string{"backup", "--addr", s.client}, c.args...)...)
		if status != c.status || !strings.Contains(out+said, c.words) {
			t.Errorf("backup %q: status %d, %s%s, want %d and %q", c.args, status, out, said, c.status, c.words)
		}
	}
	nobody := nodetest.FreeAddress(t)
	if status, _, said := verb(t, "backup", "--addr", nobody, file+"2"); status != 1 ||
		!strings.Contains(said, "no node of an ensemble at "+nobody) {
		t.Errorf("status %d: %s", status, said)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 || files[0].Name() != "backup.jsonl" {
		t.Errorf("there are %v, %v", files, err)
	}
	if is, err := os.Stat(file); err != nil || is.Mode() != 0o600 {
		t.Errorf("the backup's mode is %v, %v", is.Mode(), err)
	}
}

// Whatever is wrong with a backup, it is said, and nothing is made. What CHECKPOINT NAME writes is one.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n1")
	s.start()
	for i := range 30 {
		s.do("SET", "key"+strconv.Itoa(i), strings.Repeat("v", i))
	}
	s.do("CHECKPOINT", "mine")
	good := read(t, filepath.Join(s.dir, "checkpoints", "mine.jsonl"))
	s.kill()
	file := filepath.Join(t.TempDir(), "backup.jsonl")
	dir := filepath.Join(t.TempDir(), "data")
	refuses := func(text []byte, words string) {
		t.Helper()
		write(t, file, text)
		status, out, said := verb(t, "restore", file, "--data", dir)
		if _, err := os.Stat(dir); status != 1 || !strings.Contains(said, words) || !os.IsNotExist(err) {
			t.Errorf("status %d, %v: %s%s, want %q", status, err, out, said, words)
		}
	}
	replaced := func(old, new string) []byte { return bytes.Replace(good, []byte(old), []byte(new), 1) }
	refuses(nil, "line 1: there is nothing in it")
	refuses([]byte("key,value\n1,2\n"), "line 1: this is not a dump of caucus")
	refuses(read(t, newest(t, s, "snap")), "line 1: this is not a dump of caucus")
	refuses(replaced(`"caucus_dump":1`, `"caucus_dump":7`), "it is a dump of version 7, and this version of "+
		"caucus reads 1")
	refuses(good[:len(good)/2], "it was cut off")
	refuses(replaced("vvv", "vvw"), "the dump was damaged")
	refuses(append(bytes.Clone(good), good...), "after the end there is another dump: one file holds one")
	for range 10 {
		at := rand.IntN(len(good))
		flipped := bytes.Clone(good)
		flipped[at] ^= 1 << rand.IntN(8)
		refuses(flipped, "the backup is refused: line ")
		refuses(good[:at], "the backup is refused: line ")
	}
	write(t, file, good)
	for _, c := range []struct {
		args  []string
		words string
	}{
		{[]string{"--check", "--data", dir}, "--check writes nothing"}, {nil, "--data names the directory"},
		{[]string{"--data", dir, "--id", "a b"}, `the name "a b" is not 1 to 255 letters`},
		{[]string{"--data", s.dir}, `it belongs to node "n1" of ensemble`},
		{[]string{"--data", filepath.Dir(file)}, `it holds "backup.jsonl" and no identity; choose an empty`},
	} {
		status, out, said := verb(t, append([]string{"restore", file}, c.args...)...)
		if status == 0 || !strings.Contains(said, c.words) {
			t.Errorf("restore %q: status %d, %s%s, want %q", c.args, status, out, said, c.words)
		}
	}
	next := restored(t, file, "n1")
	next.start()
	next.has("key29", strings.Repeat("v", 29))
}

// A restore that is killed has made a node, or nothing that anybody takes for one.
func TestRestoreKilled(t *testing.T) {
	t.Parallel()
	s := newServer(t, "n1")
	s.start()
	accountsOpened(t, s)
	file := filepath.Join(t.TempDir(), "backup.jsonl")
	if status, _, said := verb(t, "backup", "--addr", s.client, file); status != 0 {
		t.Fatal(said)
	}
	s.kill()
	for _, sign := range []string{"", "LOCK", "log", "snap"} {
		next := newServer(t, "n1")
		c := nodetest.Command(t, nodetest.Binary(t), "restore", file, "--data", next.dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it has begun", func() bool {
			_, err := os.Stat(filepath.Join(next.dir, sign))
			return err == nil
		})
		_ = c.Process.Signal(syscall.SIGKILL) // unless it is done already
		_ = c.Wait()
		if _, err := os.Stat(filepath.Join(next.dir, "identity")); err == nil {
			next.start()
			next.has("ballast:39999", strings.Repeat("x", 200))
			continue
		}
		if _, err := os.Stat(filepath.Join(next.dir, "log")); err != nil {
			verb(t, "restore", file, "--data", next.dir) // nothing was written yet
			next.start()
			next.has("ballast:39999", strings.Repeat("x", 200))
			continue
		}
		next.refuses("it has log but no identity")
		status, _, said := verb(t, "restore", file, "--data", next.dir)
		if status != 1 || !strings.Contains(said, "if it is what a restore has left that was cut short") {
			t.Errorf("status %d: %s", status, said)
		}
	}
}
