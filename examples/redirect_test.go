package examples

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// copies are three copies of the service, as QCluster's files describe them: each lists the two others.
type copies struct {
	*stage
	names   []string
	files   map[string]string // the path of each one's
	users   map[string]string // where its users come, host:port
	running map[string]*nodetest.Process
}

func newCopies(t *testing.T) *copies {
	t.Helper()
	c := &copies{newStage(t, "redirect"), []string{"server_a", "server_b", "server_c"}, map[string]string{},
		map[string]string{}, map[string]*nodetest.Process{}}
	type object map[string]any
	port := func(addr string) int {
		_, port, err := net.SplitHostPort(addr)
		n, wrong := strconv.Atoi(port)
		if err != nil || wrong != nil {
			t.Fatal(addr, err, wrong)
		}
		return n
	}
	ports := map[string]int{}
	for _, name := range c.names {
		ports[name], c.users[name] = port(nodetest.FreeAddress(t)), nodetest.FreeAddress(t)
	}
	dir := t.TempDir()
	for _, name := range c.names {
		var peers []object
		for _, peer := range c.names {
			if peer != name {
				peers = append(peers, object{"host": "127.0.0.1", "port": ports[peer], "identifier": peer,
					"metadata": object{"server_port": port(c.users[peer])}})
			}
		}
		text, err := json.Marshal(object{"identifier": name, "listen_host": "127.0.0.1",
			"listen_port": ports[name], "peers": peers})
		if err != nil {
			t.Fatal(err)
		}
		c.files[name] = filepath.Join(dir, name+".json")
		if err := os.WriteFile(c.files[name], text, 0o600); err != nil {
			t.Fatal(err)
		}
		c.running[name] = c.start("-config", c.files[name], "-data", filepath.Join(dir, name))
	}
	return c
}

// visit asks a copy for a page without following redirections, and gives the status, where it sends its
// users, and what it says; status 0 when it is not there.
func (c *copies) visit(name string) (status int, location, text string) {
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	resp, err := client.Get("http://" + c.users[name] + "/page?n=1")
	if err != nil {
		return 0, "", ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", ""
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(body)
}

// serves waits until one of some copies serves and the others send their users there, and gives its name.
func (c *copies) serves(names ...string) (leader string) {
	c.t.Helper()
	nodetest.Eventually(c.t, "one copy serves and the others send their users there", func() bool {
		leader = ""
		var sent []string
		for _, name := range names {
			status, location, text := c.visit(name)
			switch {
			case status == http.StatusOK && leader == "" && strings.HasPrefix(text, name+": you are visitor "):
				leader = name
			case status == http.StatusTemporaryRedirect:
				sent = append(sent, location)
			}
		}
		for _, location := range sent {
			if location != "http://"+c.users[leader]+"/page?n=1" {
				return false
			}
		}
		return leader != "" && len(sent) == len(names)-1
	})
	return leader
}

// Three copies from QCluster's files: one serves and the others redirect to it. When it is killed another
// does, and when that is asked to end the one that is left, of three, knows no leader.
func TestRedirect(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	without := func(names []string, gone string) (left []string) {
		for _, name := range names {
			if name != gone {
				left = append(left, name)
			}
		}
		return left
	}
	first := c.serves(c.names...)
	c.kill(c.running[first])
	two := without(c.names, first)
	second := c.serves(two...)
	c.stop(c.running[second])
	last := without(two, second)[0]
	nodetest.Eventually(t, "the last one knows no leader", func() bool {
		status, _, _ := c.visit(last)
		return status == http.StatusServiceUnavailable
	})
}
