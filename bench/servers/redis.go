package servers

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
)

// ErrNotInstalled says that a peer cannot be measured on this machine.
var ErrNotInstalled = errors.New("not installed")

// OpenRedis starts one server that syncs every write before it answers it. It writes no snapshots beside
// that, which can only help it.
func (h House) OpenRedis(ctx context.Context) (*Ensemble, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ErrNotInstalled
	}
	e, err := h.seat("redis", 1)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(e.home(0), 0o700); err != nil {
		return nil, err
	}
	e.mark = "Ready to accept connections"
	e.command = func(i int) []string {
		host, port, _ := net.SplitHostPort(e.Addrs[i])
		return []string{path, "--bind", host, "--port", port, "--dir", e.home(i), "--save", "",
			"--appendonly", "yes", "--appendfsync", "always"}
	}
	return e.open(ctx)
}
