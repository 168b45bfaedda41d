package doors

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
	"github.com/redis/go-redis/v9"
)

func passwordFile(t *testing.T, password string) string {
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPassword(t *testing.T) {
	t.Parallel()
	address := nodetest.FreeAddress(t)
	first := serve(t, address, "--password-file", passwordFile(t, "sesame"))
	if err := first.Serving(); err != nil {
		t.Fatal(err)
	}
	l := dial(t, address)
	for _, step := range [][2]string{
		{"GET k", "NOAUTH"}, {"AUTH wrong", "WRONGPASS"}, {"HELLO 3 AUTH default wrong", "WRONGPASS"},
		{"GET k", "NOAUTH"}, {"AUTH sesame", "OK"}, {"SET k v", "OK"},
	} {
		if got := strings.TrimPrefix(shown(l.do(step[0])), "(error) "); !strings.HasPrefix(got, step[1]) {
			t.Errorf("%s: %s, want %s", step[0], got, step[1])
		}
	}
	if r := dial(t, address).do("HELLO 2 AUTH default sesame"); r.Err() != nil {
		t.Errorf("HELLO AUTH: %s", shown(r))
	}
	for _, d := range dialers() {
		got, err := d.dial(t, address).say([]string{"AUTH", "sesame"})
		if err != nil || strings.Join(got, "|") != "OK" {
			t.Errorf("%s: AUTH: %q, %v", d.name, got, err)
		}
	}
	client := redis.NewClient(&redis.Options{Addr: address, Password: "sesame", MaxRetries: -1})
	defer client.Close()
	if got, err := client.Get(context.Background(), "k").Result(); err != nil || got != "v" {
		t.Errorf("go-redis with the password: %q, %v", got, err)
	}

	// A node that does not know the password does not get in; one that does, does.
	stranger := serve(t, nodetest.FreeAddress(t), "--join", address, "--password-file", passwordFile(t, "guess"))
	nodetest.Eventually(t, "the stranger is told why", func() bool {
		return strings.Contains(stranger.Log(), "WRONGPASS") || strings.Contains(stranger.Log(), "DENIED")
	})
	if stranger.Ready() != "" {
		t.Error("a node with a wrong password was let in")
	}
	friend := serve(t, nodetest.FreeAddress(t), "--join", address, "--password-file", passwordFile(t, "sesame"))
	if err := friend.Serving(); err != nil {
		t.Error(err)
	}
}

// serve starts a node and stops it at the end of the test.
func serve(t *testing.T, address string, flags ...string) *nodetest.Process {
	t.Helper()
	args := []string{"serve", "--listen", address, "--peer-listen", nodetest.FreeAddress(t),
		"--http", nodetest.FreeAddress(t), "--data", filepath.Join(t.TempDir(), "data")}
	p, err := nodetest.Run(append(args, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if _, err := p.Status(nodetest.Patience); err != nil {
			t.Error(err)
		}
	})
	return p
}

// A door that can be reached from elsewhere serves only loopback until there is a password.
func TestStrangersAreDenied(t *testing.T) {
	t.Parallel()
	here := ownAddress(t)
	_, port, err := net.SplitHostPort(nodetest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	p := serve(t, net.JoinHostPort("0.0.0.0", port))
	if err := p.Serving(); err != nil {
		t.Fatal(err)
	}
	dial(t, net.JoinHostPort("127.0.0.1", port)).want("SET k v", "OK")
	stranger := dial(t, net.JoinHostPort(here, port))
	if err := stranger.Send([]string{"GET", "k"}); err != nil {
		t.Fatal(err)
	}
	if got := shown(stranger.push()); !strings.HasPrefix(got, "(error) DENIED") {
		t.Errorf("a stranger was answered %s", got)
	}
}

// ownAddress gives an address of this computer that is not loopback.
func ownAddress(t *testing.T) string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	tool.Lack(t, "an address that is not loopback")
	return ""
}
