package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/caucus-project/caucus/bench/procs"
)

// zooKeeperJar is where the package zookeeper of Debian and Ubuntu has it. Its manifest names the others.
const zooKeeperJar = "/usr/share/java/zookeeper.jar"

// OpenZooKeeper starts an ensemble of n servers. The settings are those of the example of a replicated
// ZooKeeper in its documentation, with the heap that its own script gives it; every write is synced by a
// majority, which is the default. It does not log, and has no HTTP door.
func (h House) OpenZooKeeper(ctx context.Context, n int) (*Ensemble, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, ErrNotInstalled
	}
	if _, err := os.Stat(zooKeeperJar); err != nil {
		return nil, ErrNotInstalled
	}
	e, err := h.seat("ZooKeeper", n)
	if err != nil {
		return nil, err
	}
	if err := e.configureZooKeeper(); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	e.ready = e.zooKeeperServes
	e.command = func(i int) []string {
		return []string{java, "-Xmx1000m", "-cp", zooKeeperJar,
			"org.apache.zookeeper.server.quorum.QuorumPeerMain", filepath.Join(e.home(i), "zoo.cfg")}
	}
	if e, err = e.open(ctx); err != nil {
		return nil, err
	}
	if _, err := e.Leading(ctx); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return e, nil
}

// configureZooKeeper writes what each server reads: its settings, and its number.
func (e *Ensemble) configureZooKeeper() error {
	var servers strings.Builder
	for i := range e.Addrs {
		peers, err := freePair()
		if err != nil {
			return err
		}
		_, election, _ := net.SplitHostPort(beside(peers))
		fmt.Fprintf(&servers, "server.%d=%s:%s\n", i+1, peers, election)
	}
	for i, addr := range e.Addrs {
		host, port, _ := net.SplitHostPort(addr)
		settings := fmt.Sprintf("tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=%s\nclientPort=%s\n"+
			"clientPortAddress=%s\nmaxClientCnxns=0\nadmin.enableServer=false\n%s", e.home(i), port, host, &servers)
		err := errors.Join(os.MkdirAll(e.home(i), 0o700),
			os.WriteFile(filepath.Join(e.home(i), "zoo.cfg"), []byte(settings), 0o600),
			os.WriteFile(filepath.Join(e.home(i), "myid"), fmt.Appendln(nil, i+1), 0o600))
		if err != nil {
			return err
		}
	}
	return nil
}

// zooKeeperServes waits until a server takes part. It says so to nobody who does not ask.
func (e *Ensemble) zooKeeperServes(ctx context.Context, i int, p *procs.Process) error {
	ended := make(chan error, 1)
	go func() {
		_, err := p.Await(ctx, "\x00") // which it never writes: this ends with the process, or with ctx
		ended <- err
	}()
	for {
		if _, err := zooKeeperMode(e.Addrs[i]); err == nil {
			return nil
		}
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// leadingZooKeeper gives the number of the server that leads. It is an error when not all take part.
func (e *Ensemble) leadingZooKeeper() (int, error) {
	leader := -1
	for i, addr := range e.Addrs {
		mode, err := zooKeeperMode(addr)
		if err != nil {
			return -1, err
		}
		if mode == "leader" {
			leader = i
		}
	}
	if leader < 0 {
		return -1, errors.New("no server of ZooKeeper leads")
	}
	return leader, nil
}

// zooKeeperMode asks a server by the one of its four letter words that is allowed by default.
func zooKeeperMode(addr string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "srvr"); err != nil {
		return "", err
	}
	said, err := io.ReadAll(io.LimitReader(conn, 1<<16))
	if err != nil {
		return "", err
	}
	_, rest, found := strings.Cut(string(said), "\nMode: ")
	if !found {
		return "", fmt.Errorf("a server of ZooKeeper does not serve: %.100s", said)
	}
	mode, _, _ := strings.Cut(rest, "\n")
	return mode, nil
}

// ZooKeeperVersion gives the version that would be measured, by the name of its file.
func ZooKeeperVersion() string {
	names, _ := filepath.Glob(strings.Replace(zooKeeperJar, ".jar", "-[0-9]*.jar", 1)) // a good pattern
	if _, err := exec.LookPath("java"); err != nil || len(names) == 0 {
		return ErrNotInstalled.Error()
	}
	_, version, _ := strings.Cut(strings.TrimSuffix(names[0], ".jar"), "-")
	return version
}
