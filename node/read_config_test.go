package node_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// write makes a file of a test.
func write(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// QCluster's page, in Go: three peers with their files, one leads, the others know who and where it is
// and what its file says of it, and when it is gone another does.
func TestQClusterFiles(t *testing.T) {
	var ports []string
	for range 3 {
		_, port, _ := net.SplitHostPort(nodetest.FreeAddress(t))
		ports = append(ports, port)
	}
	names := []string{"server_a", "server_b", "server_c"}
	var nodes []*node.Node
	opened := make([]*node.Node, 3)
	var starting sync.WaitGroup
	for i, name := range names {
		var peers []string
		for k, other := range names {
			if k != i {
				peers = append(peers, fmt.Sprintf(`{"host": "localhost", "port": %s, "identifier": "%s", `+
					`"metadata": {"server_port": %d}}`, ports[k], other, 8001+k))
			}
		}
		path := write(t, name+".json", fmt.Sprintf(`{"identifier": "%s", "listen_host": "localhost", `+
			`"listen_port": %s, "peers": [%s], "data": %q, "http": "off"}`,
			name, ports[i], strings.Join(peers, ", "), t.TempDir()))
		starting.Go(func() {
			cfg, err := node.ReadConfig(path)
			if err == nil {
				opened[i], err = node.Open(within(t), cfg)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	for _, n := range opened {
		if n == nil {
			t.FailNow()
		}
		defer n.Close()
		nodes = append(nodes, n)
	}
	leader := leads(t, nodes...)
	follower := other(nodes, leader)
	peer, _ := follower.Leader()
	at, err := strconv.Atoi(peer.Metadata[len(`{"server_port":`) : len(peer.Metadata)-1])
	if err != nil || names[at-8001] != peer.Name || fmt.Sprint(peer.Port()) != ports[at-8001] ||
		net.ParseIP(peer.Host()) == nil {
		t.Errorf("the leader is %+v, of ports %v", peer, ports)
	}
	if err := leader.Close(); err != nil {
		t.Error(err)
	}
	var rest []*node.Node
	for _, n := range nodes {
		if n != leader {
			rest = append(rest, n)
		}
	}
	leads(t, rest...)
}

func TestReadConfigNamesWhatIsWrong(t *testing.T) {
	const whole = `{"identifier":"a","listen_host":"h","listen_port":7001,"peers":[]`
	for text, want := range map[string]string{
		`{`:                             "not JSON at byte",
		`{"identifier":"a"}`:            `field "listen_host" is missing`,
		whole + `,"heartbeat":"50ms"}`:  `field "heartbeat" is none of`,
		whole + `,"data":7}`:            `field "data" is 7, not a string`,
		whole + `,"http":""}`:           `field "http" is "", not a string that says something`,
		whole + `,"http":null}`:         `field "http" is null, not a string`,
		whole + `,"advertise":["a"]}`:   `field "advertise" is ["a"], not a string`,
		whole + `,"peer_listen":"h:1"}`: "",
	} {
		path := write(t, "a.json", text)
		cfg, err := node.ReadConfig(path)
		if want == "" {
			if err != nil || cfg.PeerListen != "h:1" || cfg.Name != "a" || cfg.Listen != "h:7001" || !cfg.OneList ||
				cfg.Data != filepath.Join("caucus-data", "a") {
				t.Errorf("%s gives %+v, %v", text, cfg, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s gives %v, want %s", text, err, want)
		}
	}
	if _, err := node.ReadConfig(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("no file gives %v", err)
	}
}
