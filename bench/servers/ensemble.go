package servers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/caucus-project/caucus/bench/procs"
)

// House is where ensembles live.
type House struct {
	Dir    string // each ensemble gets a directory in it
	Caucus string // the caucus binary
	Self   string // the binary of this program, which can also be a member of etcd
	Shrink int    // what numbers of members, watchers and keys are divided by, and the time between heartbeats
}

// Few shrinks a number.
func (h House) Few(n int) int { return n / h.Shrink }

// Ensemble is the nodes of one system, all running.
type Ensemble struct {
	System  string
	Addrs   []string // where clients find the nodes
	dir     string
	nodes   []*procs.Process
	command func(i int) []string // how a node is started
	mark    string               // in the line by which a node says that it is ready

	// ready waits for a node that says no such line, in place of mark.
	ready func(ctx context.Context, i int, p *procs.Process) error
}

// readiness is how long an ensemble may take to be ready.
const readiness = time.Minute

// IDs gives the process ids of the nodes.
func (e *Ensemble) IDs() []int {
	ids := make([]int, len(e.nodes))
	for i, p := range e.nodes {
		ids[i] = p.ID()
	}
	return ids
}

// Signal sends a signal to a node.
func (e *Ensemble) Signal(i int, s syscall.Signal) error { return e.nodes[i].Signal(s) }

// Restart starts a node again that was killed, when it has ended.
func (e *Ensemble) Restart(ctx context.Context, i int) error {
	e.nodes[i].Stop()
	p, err := e.start(i)
	if err != nil {
		return err
	}
	e.nodes[i] = p
	return e.await(ctx, i, p)
}

// Leading waits until one node leads, and all others are there and vote, and gives its number.
func (e *Ensemble) Leading(ctx context.Context) (leader int, err error) {
	ctx, cancel := context.WithTimeout(ctx, readiness)
	defer cancel()
	for {
		switch e.System {
		case "etcd":
			leader, err = e.leadingEtcd(ctx)
		case "ZooKeeper":
			leader, err = e.leadingZooKeeper()
		default:
			leader, err = e.leadingCaucus()
		}
		if err == nil {
			return leader, nil
		}
		select {
		case <-ctx.Done():
			return -1, fmt.Errorf("the nodes of %s do not settle: %w", e.System, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends all nodes and removes what they wrote. It may be called on nil.
func (e *Ensemble) Stop() error {
	if e == nil {
		return nil
	}
	procs.StopAll(e.nodes)
	return os.RemoveAll(e.dir)
}

func (e *Ensemble) start(i int) (*procs.Process, error) {
	command := e.command(i)
	return procs.Start(command[0], command[1:]...)
}

func (e *Ensemble) await(ctx context.Context, i int, p *procs.Process) error {
	ctx, cancel := context.WithTimeout(ctx, readiness)
	defer cancel()
	if e.ready != nil {
		return e.ready(ctx, i, p)
	}
	_, err := p.Await(ctx, e.mark)
	return err
}

// open starts all nodes at once, and waits until each says that it is ready. When one does not, all are
// stopped.
func (e *Ensemble) open(ctx context.Context) (*Ensemble, error) {
	failed := make(chan error, len(e.Addrs))
	var err error
	for i := range e.Addrs {
		p, startErr := e.start(i)
		if startErr != nil {
			err = startErr
			break
		}
		e.nodes = append(e.nodes, p)
		go func() { failed <- e.await(ctx, i, p) }()
	}
	for range e.nodes {
		if failure := <-failed; err == nil {
			err = failure
		}
	}
	if err != nil {
		_ = e.Stop() // why it could not start is the news
		return nil, fmt.Errorf("%s: %w", e.System, err)
	}
	return e, nil
}

// seat makes the ensemble's directory, and one in it for each of n nodes.
func (h House) seat(system string, n int) (*Ensemble, error) {
	dir, err := os.MkdirTemp(h.Dir, system+"-")
	if err != nil {
		return nil, err
	}
	e := &Ensemble{System: system, dir: dir}
	for range n {
		addr, err := freePair()
		if err != nil {
			return nil, err
		}
		e.Addrs = append(e.Addrs, addr)
	}
	return e, nil
}

func (e *Ensemble) home(i int) string { return filepath.Join(e.dir, e.name(i)) }
func (e *Ensemble) name(i int) string { return "n" + strconv.Itoa(i+1) }

// freePair finds a loopback address below the ports that outgoing connections get, whose port and the
// next one are free: one for clients and one for peers.
func freePair() (string, error) {
	for range 1000 {
		port := 10_000 + 2*rand.IntN(10_000)
		if free(port) && free(port+1) {
			return loopback(port), nil
		}
	}
	return "", fmt.Errorf("no free ports from 10000 to 30000 on the loopback")
}

func free(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// beside gives the address at the next port.
func beside(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port) // it is one of ours
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}
