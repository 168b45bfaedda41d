//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// field is where a run takes place: the nodes, the clients' places and the switch between them.
type field struct {
	t      testing.TB
	binary string
	dir    string // of this run: data directories and logs
	flags  []string
	voters int // as many as there are when nothing is broken

	hub   *place
	sites []*place // where clients are, far from each other
	desk  *place   // of the operator and of whoever looks on, which no fault cuts off
	relay *relay

	places []*place // all of them

	// Ctx ends when the run is over or something was violated.
	ctx  context.Context
	stop context.CancelCauseFunc

	watching sync.WaitGroup

	mu     sync.Mutex
	nodes  []*node // of the ensemble
	spares []*node // that it could have as well
	risked int     // disks that are lost, damaged or on their way in or out
	broken []string

	cutting sync.Mutex
	cuts    []*cut // those in force
}

// password is that of the ensemble, without which no node would let anybody in from another machine.
const password = "in the field"

// prefix begins the names of the directories of runs; the process id follows.
const prefix = "caucus-chaos-"

// newField makes the places and starts n nodes, the first alone and the others joined. It is gone at
// the end of the test; if that failed, its directory stays.
func newField(t testing.TB, n int, flags ...string) *field {
	t.Helper()
	f := &field{t: t, binary: nodetest.Misled(t), flags: flags, voters: n,
		relay: &relay{places: map[netip.Addr]*place{}}}
	f.ctx, f.stop = context.WithCancelCause(context.Background())
	var err error
	if f.dir, err = os.MkdirTemp("", fmt.Sprintf("%s%d-", prefix, os.Getpid())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.clear)
	if err := os.WriteFile(f.secret(), []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.build(n); err != nil {
		t.Fatal(err)
	}
	for range n {
		one, _ := f.spare()
		if err := f.opening(one); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// secret is the file that has the password.
func (f *field) secret() string { return filepath.Join(f.dir, "password") }

// build makes the switch and all places.
func (f *field) build(n int) (err error) {
	if f.hub, err = newHub(); err != nil {
		return err
	}
	f.places = append(f.places, f.hub)
	for i, name := range []string{"here", "there", "desk"} {
		p, err := f.place(name, fmt.Sprintf("10.77.1.%d", i+1))
		if err != nil {
			return err
		}
		f.sites = append(f.sites, p)
	}
	f.sites, f.desk = f.sites[:2:2], f.sites[2]
	for i := range n + 2 {
		one, err := f.node(i + 1)
		if err != nil {
			return err
		}
		f.spares = append(f.spares, one)
	}
	return nil
}

// place makes a place and connects it.
func (f *field) place(name, addr string) (*place, error) {
	p, err := newPlace(name, addr)
	if err != nil {
		return nil, err
	}
	f.places = append(f.places, p)
	if err := p.plug(f.hub); err != nil {
		return nil, err
	}
	return p, f.relay.attach(p)
}

// node makes a place and a directory for a node.
func (f *field) node(i int) (n *node, err error) {
	n = &node{f: f, name: fmt.Sprintf("n%d", i)}
	n.dir = filepath.Join(n.disk(), "data")
	n.clocks = nodetest.NewClocks(n.disk() + ".clocks")
	if n.at, err = f.place(n.name, fmt.Sprintf("10.77.0.%d", i)); err != nil {
		return nil, err
	}
	return n, n.mount()
}

// spare makes a node that is not used one of the ensemble. It is taken, and empty.
func (f *field) spare() (*node, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.spares) == 0 {
		return nil, false
	}
	n := f.spares[0]
	f.spares, f.nodes, n.taken = f.spares[1:], append(f.nodes, n), true
	return n, true
}

// store puts a node back among those that are not used.
func (f *field) store(n *node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes = slices.DeleteFunc(f.nodes, func(o *node) bool { return o == n })
	f.spares = append(f.spares, n)
}

// opening starts a node for the first time and waits until it votes.
func (f *field) opening(n *node) error {
	if err := n.start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(f.ctx, nodetest.Patience)
	defer cancel()
	if err := wait(ctx, n.name+" votes", func() bool {
		s, err := n.standing()
		return err == nil && !s.Learner
	}); err != nil {
		return fmt.Errorf("%w; it said:\n%s", err, n.tail())
	}
	f.give(n)
	return nil
}

// joining gives the flags by which a node finds the ensemble. The first founds it at its first start, and
// joins it like any other when it comes back with nothing.
func (f *field) joining(n *node) []string {
	var list []string
	for _, other := range f.all() {
		if other != n && other.started() {
			list = append(list, other.addr())
		}
	}
	if len(list) == 0 {
		return nil
	}
	return []string{"--join", strings.Join(list, ",")}
}

// all gives the nodes, running or not.
func (f *field) all() []*node {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*node{}, f.nodes...)
}

// take gives a node that no fault has, and keeps it from others until it is given back.
func (f *field) take(rng *rand.Rand) (*node, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range rng.Perm(len(f.nodes)) {
		if n := f.nodes[i]; !n.taken {
			n.taken = true
			return n, true
		}
	}
	return nil, false
}

// claim takes a certain node, unless it is taken.
func (f *field) claim(n *node) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := n.taken
	n.taken = true
	return !was
}

// give returns nodes that a fault has taken.
func (f *field) give(list ...*node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range list {
		n.taken = false
	}
}

// risk asks whether one more disk may be lost, damaged, or be on its way into or out of the ensemble: a
// minority at a time, which is until settle is called for it. Then its node must be a voter again
// that has caught up.
func (f *field) risk() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.risked >= (f.voters-1)/2 {
		return false
	}
	f.risked++
	return true
}

// settle ends what risk began.
func (f *field) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.risked--
}

// dial gives a client of the ensemble that sits at one of the sites, counted without end, and knows the
// addresses of all nodes. The caller closes it.
func (f *field) dial(ctx context.Context, site int) (*client.Client, error) {
	return client.Dial(ctx, f.config(site))
}

// config is how a client at a site reaches the ensemble.
func (f *field) config(site int) client.Config {
	cfg := client.Config{Password: password, DialContext: f.sites[site%len(f.sites)].dial}
	all := f.all()
	for i := range all {
		cfg.Addrs = append(cfg.Addrs, all[(i+site)%len(all)].addr())
	}
	return cfg
}

// line opens a plain connection from a site to one node, which is allowed everything.
func (f *field) line(site int, n *node) (*nodetest.Line, error) {
	return f.lineFrom(f.sites[site%len(f.sites)], n)
}

func (f *field) lineFrom(p *place, n *node) (*nodetest.Line, error) {
	ctx, cancel := context.WithTimeout(f.ctx, 2*time.Second)
	defer cancel()
	conn, err := p.dial(ctx, n.addr())
	if err != nil {
		return nil, err
	}
	line := nodetest.Over(conn)
	if reply, err := line.Do("AUTH", password); err != nil || reply.Err() != nil {
		return nil, errors.Join(err, reply.Err(), line.Close())
	}
	return line, nil
}

// violated notes that something is wrong with the product, and ends the run.
func (f *field) violated(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	f.mu.Lock()
	f.broken = append(f.broken, err.Error())
	f.mu.Unlock()
	f.stop(err)
}

// until waits for something that other faults may hinder while they are on.
func (f *field) until(what string, holds func() bool) error { return wait(f.ctx, what, holds) }

// wait waits until something holds or ctx ends.
func wait(ctx context.Context, what string, holds func() bool) error {
	for !holds() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not yet: %s: %w", what, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// clear ends all processes and removes the directory, which stays if the test has failed.
func (f *field) clear() {
	f.stop(errors.New("the run is over"))
	all := append(f.all(), f.spares...)
	for _, n := range all {
		if err := n.kill(); err != nil {
			f.t.Error(err)
		}
	}
	f.watching.Wait()
	for _, n := range all {
		if err := n.unmount(f.t.Failed() || len(f.broken) > 0); err != nil {
			f.t.Error(err)
		}
	}
	if f.t.Failed() || len(f.broken) > 0 {
		for _, n := range all {
			f.t.Logf("%s said last:\n%s", n.name, n.tail())
		}
		f.t.Logf("the logs and data directories of the nodes are in %s", f.dir)
		for _, text := range f.broken { // last, where one looks first
			f.t.Error(text)
		}
	} else if err := os.RemoveAll(f.dir); err != nil {
		f.t.Error(err)
	}
	f.relay.close()
	for _, p := range f.places {
		p.ns.Close()
	}
}
