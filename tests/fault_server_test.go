package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/redis/go-redis/v9"
)

// server is one directory with the process that serves from it, through any number of starts.
type server struct {
	t            testing.TB
	name, dir    string
	client, peer string   // addresses
	flags        []string // beyond those that every start has

	mu  sync.Mutex
	run *nodetest.Process // the present one, nil before the first start
}

// newServer names a server with a new directory and two free ports. It is not started.
func newServer(t testing.TB, name string, flags ...string) *server {
	s := &server{t: t, name: name, dir: filepath.Join(t.TempDir(), name), flags: flags}
	s.client, s.peer = nodetest.FreeAddress(t), nodetest.FreeAddress(t)
	t.Cleanup(s.bury)
	return s
}

// now gives the present process.
func (s *server) now() *nodetest.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

// bury ends the process at the end of the test, and shows what it said if the test failed.
func (s *server) bury() {
	if s.now() == nil {
		return
	}
	s.kill()
	if s.t.Failed() {
		log := s.said()
		s.t.Logf("%s said last:\n%s", s.name, log[max(0, len(log)-4000):])
	}
}

// said gives what the present process has said.
func (s *server) said() string { return s.now().Log() }

// launch starts the process and does not wait for it.
func (s *server) launch(flags ...string) {
	s.t.Helper()
	s.spawn(append([]string{"serve", "--id", s.name, "--data", s.dir, "--listen", s.client,
		"--peer-listen", s.peer, "--http", "off"}, append(s.flags, flags...)...)...)
}

// spawn starts the process with a command line of the test's own.
func (s *server) spawn(args ...string) {
	s.t.Helper()
	p, err := nodetest.Run(args...)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	s.run = p
	s.mu.Unlock()
}

// start launches the server and waits until it serves.
func (s *server) start(flags ...string) {
	s.t.Helper()
	s.launch(flags...)
	s.serving()
}

// serving waits until a launched server serves.
func (s *server) serving() {
	s.t.Helper()
	if err := s.now().Serving(); err != nil {
		s.t.Fatalf("%s: %v", s.name, err)
	}
}

// kill ends the process as kill -9 does.
func (s *server) kill() {
	if err := s.now().Signal(syscall.SIGKILL); err != nil {
		s.t.Error(err)
	}
	if _, err := s.now().Status(nodetest.Patience); err != nil {
		s.t.Error(err)
	}
}

// terminate sends SIGTERM, and expects the server to end within ten seconds with exit status 0.
func (s *server) terminate() {
	s.t.Helper()
	if err := s.now().Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if status, err := s.now().Status(10 * time.Second); err != nil || status != 0 {
		s.t.Errorf("%s ended with status %d, %v; it said:\n%s", s.name, status, err, s.said())
	}
}

// refuses starts the server and expects it to end with exit status 1 and an error that has all the
// words.
func (s *server) refuses(words ...string) {
	s.t.Helper()
	s.launch()
	status, err := s.now().Status(nodetest.Patience)
	if err != nil {
		s.t.Fatal(err)
	}
	if status != 1 {
		s.t.Errorf("exit status %d, want 1", status)
	}
	s.wantSaid(words...)
}

func (s *server) wantSaid(words ...string) {
	s.t.Helper()
	text := s.said()
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
		return strings.Contains(s.said(), words)
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
	nodetest.Eventually(t, what, holds)
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
