package nodetest

import (
	"crypto/tls"
	"encoding/json"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience is how long anything may take before a test gives up: far more than it should.
const Patience = 60 * time.Second

// Cluster is an ensemble of processes. Its methods end the test when they fail.
type Cluster struct {
	t     testing.TB
	dir   string // where the nodes live
	flags []string
	loud  bool
	apart bool        // each node has clocks of its own
	rules *tls.Config // nil: the nodes speak no TLS
	nodes []*seat
}

// seat is a node through all its starts: one directory and the same addresses.
type seat struct {
	name, client, peer, http, data string

	clocks *Clocks // nil: the machine's
	binary string  // that is started from now on; "" for the usual one

	mu      sync.Mutex
	runs    []*Process // the last one is the present one
	stopped bool       // paused by SIGSTOP
}

// Option changes what Start does.
type Option func(*Cluster)

// Flags adds flags to the command line of every node.
func Flags(flags ...string) Option {
	return func(c *Cluster) { c.flags = append(c.flags, flags...) }
}

// Loud says that the test expects nodes to log errors.
func Loud() Option { return func(c *Cluster) { c.loud = true } }

// OwnClocks gives each node clocks of its own; see Cluster.Clocks.
func OwnClocks() Option { return func(c *Cluster) { c.apart = true } }

// Start starts n nodes, n1 alone and the others joined through it, and waits until all vote. At the
// end of the test they are stopped and judged.
func Start(t testing.TB, n int, opts ...Option) *Cluster {
	t.Helper()
	c := &Cluster{t: t, dir: t.TempDir()} // which is removed after judge has ended the nodes in it
	for _, o := range opts {
		o(c)
	}
	t.Cleanup(c.judge)
	for range n {
		c.Add()
	}
	c.Settled()
	return c
}

// Add starts one more node, joined through the first, and gives its number.
func (c *Cluster) Add() int {
	c.t.Helper()
	i := len(c.nodes)
	s := &seat{name: "n" + strconv.Itoa(i+1)}
	s.client, s.peer, s.http = FreeAddress(c.t), FreeAddress(c.t), FreeAddress(c.t)
	s.data = filepath.Join(c.dir, s.name)
	if c.apart {
		s.clocks = NewClocks(s.data + ".clocks")
	}
	c.nodes = append(c.nodes, s)
	c.Restart(i)
	return i
}

// FreeAddress finds a loopback port below those that outgoing connections get, so that it stays free while
// its node is down, and keeps all other tests from it until this one ends: also those of other processes,
// since the claim is a name that the kernel gives to one of them.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return FreeAddresses(t, 1)[0]
}

// FreeAddresses finds n of them, whose ports follow each other.
func FreeAddresses(t testing.TB, n int) []string {
	t.Helper()
	for range 100 {
		first := 10_000 + rand.IntN(20_000)
		var list []string
		for port := first; port < first+n && claim(t, port); port++ {
			list = append(list, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		}
		if len(list) == n {
			return list
		}
	}
	t.Fatal("no free ports")
	return nil
}

// claim takes a port for the test, if it is free.
func claim(t testing.TB, port int) bool {
	name, err := net.Listen("unix", "@caucus-test-port-"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	t.Cleanup(func() { name.Close() })
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// Size gives the number of nodes, running or not.
func (c *Cluster) Size() int { return len(c.nodes) }

// Name gives a node's name.
func (c *Cluster) Name(i int) string { return c.nodes[i].name }

// Addr gives the address of a node's RESP door.
func (c *Cluster) Addr(i int) string { return c.nodes[i].client }

// Addrs gives the addresses of all RESP doors.
func (c *Cluster) Addrs() []string {
	list := make([]string, len(c.nodes))
	for i, s := range c.nodes {
		list[i] = s.client
	}
	return list
}

// HTTP gives the address of a node's HTTP door, host:port.
func (c *Cluster) HTTP(i int) string { return c.nodes[i].http }

// Clocks gives a node's clocks, which are its own where Start had the option OwnClocks.
func (c *Cluster) Clocks(i int) *Clocks { return c.nodes[i].clocks }

// Data gives a node's directory.
func (c *Cluster) Data(i int) string { return c.nodes[i].data }

// Logs gives all that a node has said on stderr, over all its starts.
func (c *Cluster) Logs(i int) string {
	var all strings.Builder
	for _, p := range c.nodes[i].list() {
		all.WriteString(p.Log())
	}
	return all.String()
}

func (s *seat) list() []*Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.runs)
}

// now gives the present process, nil when there was none.
func (s *seat) now() *Process {
	if list := s.list(); len(list) > 0 {
		return list[len(list)-1]
	}
	return nil
}

// Install has a node be another binary from its next start on; "" is the usual one.
func (c *Cluster) Install(i int, binary string) { c.nodes[i].binary = binary }

// Restart starts a node that does not run, in its directory and under its addresses, and waits until it
// serves.
func (c *Cluster) Restart(i int) {
	c.t.Helper()
	if err := c.Begin(i).Serving(); err != nil {
		c.t.Fatalf("%s: %v", c.nodes[i].name, err)
	}
}

// Begin is Restart without waiting for anything.
func (c *Cluster) Begin(i int) *Process {
	c.t.Helper()
	s := c.nodes[i]
	args := []string{"serve", "--id", s.name, "--listen", s.client, "--peer-listen", s.peer, "--http", s.http,
		"--data", s.data}
	if i > 0 {
		args = append(args, "--join", c.nodes[0].client)
	}
	run := Run
	if s.clocks != nil {
		run = s.clocks.Run
	} else if s.binary != "" {
		run = func(args ...string) (*Process, error) { return start(exec.Command(s.binary, args...)) }
	}
	p, err := run(append(args, c.flags...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	s.mu.Lock()
	s.runs, s.stopped = append(s.runs, p), false
	s.mu.Unlock()
	return p
}

// Kill ends a node as kill -9 does, and waits until it is gone.
func (c *Cluster) Kill(i int) {
	c.t.Helper()
	c.signal(i, syscall.SIGKILL)
	if _, err := c.nodes[i].now().Status(Patience); err != nil {
		c.t.Fatal(err)
	}
}

// Stop asks a node to end, and fails the test unless it does with status 0 within ten seconds.
func (c *Cluster) Stop(i int) {
	c.t.Helper()
	c.signal(i, syscall.SIGTERM)
	c.Ended(i)
}

// Ended waits for a node that was asked to end, and fails the test unless it does with status 0 within ten
// seconds.
func (c *Cluster) Ended(i int) {
	c.t.Helper()
	if status, err := c.nodes[i].now().Status(10 * time.Second); err != nil || status != 0 {
		c.t.Errorf("%s stopped with status %d, %v; its log:\n%s", c.Name(i), status, err, c.Logs(i))
	}
}

// Pause makes a node stand still, as a stalled machine does.
func (c *Cluster) Pause(i int) {
	c.t.Helper()
	c.signal(i, syscall.SIGSTOP)
	c.nodes[i].stopped = true
}

// HangUp sends a node SIGHUP.
func (c *Cluster) HangUp(i int) {
	c.t.Helper()
	c.signal(i, syscall.SIGHUP)
}

// Resume lets a paused node go on.
func (c *Cluster) Resume(i int) {
	c.t.Helper()
	c.signal(i, syscall.SIGCONT)
	c.nodes[i].stopped = false
}

func (c *Cluster) signal(i int, s syscall.Signal) {
	c.t.Helper()
	if err := c.nodes[i].now().Signal(s); err != nil {
		c.t.Fatalf("%v to %s: %v", s, c.Name(i), err)
	}
}

// Dial connects to a node's RESP door, by TLS if the nodes speak that.
func (c *Cluster) Dial(i int) (*Line, error) {
	if c.rules != nil {
		return DialTLS(c.Addr(i), c.rules)
	}
	return Dial(c.Addr(i))
}

// Standing is INFO json: what a node says of its place in the ensemble.
type Standing struct {
	NID     string `json:"nid"`
	State   string `json:"state"`
	Term    uint64 `json:"term"`
	Index   uint64 `json:"index"`
	Applied uint64 `json:"applied"`
	Learner bool   `json:"learner"`
	Cluster string `json:"cluster_id"`
	Addr    string `json:"addr"`
	Saved   uint64 `json:"last_checkpoint"`
	Peers   map[string]struct {
		State string `json:"state"`
		Addr  string `json:"addr"`
	} `json:"peers"`
}

// Standing asks a node for its INFO json.
func (c *Cluster) Standing(i int) (s Standing, err error) {
	line, err := c.Dial(i)
	if err != nil {
		return s, err
	}
	defer line.Close()
	reply, err := ask(line, "INFO", "json")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(reply.Text()), &s)
}

// runs says whether a node runs and is not paused.
func (c *Cluster) runs(i int) bool {
	p := c.nodes[i].now()
	return p != nil && p.Running() && !c.nodes[i].stopped
}

// Leader waits until one of the running nodes says that it leads and all others follow it in its term, and
// gives its number.
func (c *Cluster) Leader() int {
	c.t.Helper()
	leader := -1
	Eventually(c.t, "one leader whom all follow", func() bool {
		leader = c.leader()
		return leader >= 0
	})
	return leader
}

func (c *Cluster) leader() int {
	leader, term := -1, uint64(0)
	for i := range c.nodes {
		if !c.runs(i) {
			continue
		}
		s, err := c.Standing(i)
		switch {
		case err != nil, s.State == "c", term != 0 && s.Term != term, s.State == "l" && leader >= 0:
			return -1
		case s.State == "l":
			leader = i
		}
		term = s.Term
	}
	return leader
}

// Settled waits until every running node votes and knows all others, and one leads.
func (c *Cluster) Settled() {
	c.t.Helper()
	Eventually(c.t, "all nodes vote", func() bool {
		for i := range c.nodes {
			if !c.runs(i) {
				continue
			}
			if s, err := c.Standing(i); err != nil || s.Learner || len(s.Peers) != len(c.nodes)-1 {
				return false
			}
		}
		return c.leader() >= 0
	})
}

// Eventually waits until something holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", Patience, what)
		}
	}
}
