package tests

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long anything may take before a test gives up: far more than it should.
const patience = 60 * time.Second

// program builds the binary once for all tests of this package.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "caucus-tests-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "caucus-under-test")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/caucus").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// server is one directory with the process that serves from it, through any number of starts.
type server struct {
	t            testing.TB
	name, dir    string
	client, peer string   // addresses
	flags        []string // beyond those that every start has

	mu   sync.Mutex
	cmd  *exec.Cmd
	said *transcript // stderr of the present process
	up   chan struct{}
	gone chan struct{}
	err  error // how it ended
}

// newServer names a server with a new directory and two free ports. It is not started.
func newServer(t testing.TB, name string, flags ...string) *server {
	s := &server{t: t, name: name, dir: filepath.Join(t.TempDir(), name), flags: flags}
	s.client, s.peer = freeAddress(t), freeAddress(t)
	t.Cleanup(s.bury)
	return s
}

// freeAddress finds a port outside the range that outgoing connections use, so that it stays free while the
// server is down.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(20_000)))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// bury ends the process at the end of the test, and shows what it said if the test failed.
func (s *server) bury() {
	s.kill()
	if s.t.Failed() && s.said != nil {
		s.t.Logf("%s said last:\n%s", s.name, s.said.tail(4000))
	}
}

// launch starts the process and does not wait for it.
func (s *server) launch(flags ...string) {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	args := append([]string{"serve", "--id", s.name, "--data", s.dir, "--listen", s.client,
		"--peer-listen", s.peer, "--http", "off"}, append(s.flags, flags...)...)
	cmd := exec.Command(path, args...)
	said, up, gone := &transcript{}, make(chan struct{}), make(chan struct{})
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.cmd, s.said, s.up, s.gone = cmd, said, up, gone
	s.mu.Unlock()
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "ready ") {
				close(up)
			}
		}
		err := cmd.Wait()
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		close(gone)
	}()
}

// start launches the server and waits until it serves.
func (s *server) start(flags ...string) {
	s.t.Helper()
	s.launch(flags...)
	if err := s.serving(); err != nil {
		s.t.Fatal(err)
	}
}

// serving waits until a launched server serves.
func (s *server) serving() error {
	select {
	case <-s.up:
		return nil
	case <-s.gone:
		return fmt.Errorf("%s ended: %v\n%s", s.name, s.err, s.said.tail(4000))
	case <-time.After(patience):
		return fmt.Errorf("%s does not get ready\n%s", s.name, s.stacks())
	}
}

// stacks ends a process that hangs and gives what it said, with what each goroutine was doing.
func (s *server) stacks() string {
	if err := s.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return err.Error()
	}
	<-s.gone
	return s.said.tail(20_000)
}

// kill ends the process as kill -9 does.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	<-s.gone
}

// terminate sends SIGTERM and gives the exit status.
func (s *server) terminate() int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	return s.status()
}

// status waits for the process to end by itself and gives its exit status.
func (s *server) status() int {
	s.t.Helper()
	select {
	case <-s.gone:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		s.t.Fatalf("%s does not end\n%s", s.name, s.said.tail(4000))
		return -1
	}
}

// refuses starts the server and expects it to end with exit status 1 and an error that has all the words.
func (s *server) refuses(words ...string) {
	s.t.Helper()
	s.launch()
	if got := s.status(); got != 1 {
		s.t.Errorf("exit status %d, want 1", got)
	}
	s.wantSaid(words...)
}

func (s *server) wantSaid(words ...string) {
	s.t.Helper()
	text := s.said.tail(1 << 20)
	for _, w := range words {
		if !strings.Contains(text, w) {
			s.t.Errorf("%s did not say %q; it said:\n%s", s.name, w, text)
		}
	}
}

// heard waits until the process has said all the words.
func (s *server) hears(words string) {
	s.t.Helper()
	eventually(s.t, s.name+" says "+words, func() bool {
		return strings.Contains(s.said.tail(1<<20), words)
	})
}

// hush keeps go-redis from telling of every connection that a killed node refused.
var hush = sync.OnceFunc(func() { redis.SetLogger(mute{}) })

type mute struct{}

// Printf implements the logger of go-redis.
func (mute) Printf(context.Context, string, ...any) {}

// redis gives a connection pool of a go-redis client that tries nothing twice.
func (s *server) redis() *redis.Client {
	hush()
	c := redis.NewClient(&redis.Options{Addr: s.client, MaxRetries: -1, Protocol: 2, PoolSize: 1,
		DialTimeout: 2 * time.Second, ReadTimeout: 20 * time.Second, DisableIdentity: true,
		DialerRetries: 1})
	s.t.Cleanup(func() { c.Close() })
	return c
}

// do carries out one command, trying again while it certainly was not applied.
func (s *server) do(args ...any) any {
	s.t.Helper()
	c := s.redis()
	defer c.Close()
	var reply any
	eventually(s.t, fmt.Sprint(args...), func() bool {
		var err error
		reply, err = c.Do(context.Background(), args...).Result()
		if err != nil && !errors.Is(err, redis.Nil) && !neverApplied(err) {
			s.t.Fatalf("%v on %s: %v", args, s.name, err)
		}
		return err == nil || errors.Is(err, redis.Nil)
	})
	return reply
}

// local reads keys from the state of this server alone.
func (s *server) local(keys ...string) (map[string]string, error) {
	ctx, c := context.Background(), s.redis()
	defer c.Close()
	conn := c.Conn()
	defer conn.Close()
	if err := conn.ReadOnly(ctx).Err(); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for len(keys) > 0 {
		n := min(len(keys), 500)
		values, err := conn.MGet(ctx, keys[:n]...).Result()
		if err != nil {
			return nil, err
		}
		for i, v := range values {
			if text, ok := v.(string); ok {
				found[keys[i]] = text
			}
		}
		keys = keys[n:]
	}
	return found, nil
}

// report is what INFO json says.
type report struct {
	State   string `json:"state"`
	Term    uint64 `json:"term"`
	Index   uint64 `json:"index"`
	Applied uint64 `json:"applied"`
	Learner bool   `json:"learner"`
	Cluster string `json:"cluster_id"`
	Saved   uint64 `json:"last_checkpoint"`
	Peers   map[string]struct {
		State string `json:"state"`
		Addr  string `json:"addr"`
	} `json:"peers"`
}

func (s *server) report() (r report) {
	c := s.redis()
	defer c.Close()
	text, err := c.Do(context.Background(), "INFO", "json").Text()
	if err == nil {
		err = json.Unmarshal([]byte(text), &r)
	}
	if err != nil {
		return report{State: "?", Learner: true}
	}
	return r
}

// ensemble starts n servers, each joined through the first, and waits until all vote.
func ensemble(t testing.TB, n int, flags ...string) []*server {
	t.Helper()
	var list []*server
	for i := range n {
		s := newServer(t, "n"+strconv.Itoa(i+1), flags...)
		if i > 0 {
			s.flags = append(s.flags, "--join", list[0].client)
		}
		s.start()
		list = append(list, s)
	}
	for _, s := range list {
		s.votes()
	}
	return list
}

// votes waits until the server is a voter.
func (s *server) votes() {
	s.t.Helper()
	eventually(s.t, s.name+" votes", func() bool { return !s.report().Learner })
}

// leader waits for one of the servers to lead.
func leader(t testing.TB, list []*server) (found *server) {
	t.Helper()
	eventually(t, "a leader", func() bool {
		for _, s := range list {
			if s.report().State == "l" {
				found = s
			}
		}
		return found != nil
	})
	return found
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// neverApplied says whether an error means that the command certainly had no effect.
func neverApplied(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	word, _, _ := strings.Cut(err.Error(), " ")
	return word == "TRYAGAIN" || word == "LOADING" || word == "EXECABORT"
}

// transcript keeps what a process says.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.Write(p)
}

func (tr *transcript) tail(n int) string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	b := tr.text.Bytes()
	return string(b[max(0, len(b)-n):])
}
