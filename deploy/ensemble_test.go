package deploy

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// container is one node of an ensemble as a manifest starts it.
type container struct {
	host string   // the name under which others find it
	args []string // what caucus is started with
}

// The ports in all manifests, those of clients, of nodes and of HTTP.
var manifestPorts = []string{"5010", "5011", "8989"}

const testPassword = "open sesame"

// place is where one container's node lives here: at an address of this machine's own.
type place struct{ host, client, http, dir string }

// founded starts the containers as processes on this machine, each at an address of its own in place of its
// name, and waits until they are one ensemble. Data and password are the paths that stand in the manifest.
func founded(t *testing.T, list []container, data, password string) (places []place) {
	t.Helper()
	var others []string // what stands for the addresses of all of them
	ports := make([][]string, len(list))
	for i, c := range list {
		for _, addr := range nodetest.FreeAddresses(t, len(manifestPorts)) {
			_, port, _ := net.SplitHostPort(addr)
			ports[i] = append(ports[i], port)
		}
		ip := fmt.Sprintf("127.0.8.%d", i+1)
		places = append(places, place{ip, ip + ":" + ports[i][0], ip + ":" + ports[i][2], t.TempDir()})
		others = append(others, "/"+c.host+":"+manifestPorts[0], "/"+places[i].client, "--advertise="+c.host,
			"--advertise="+ip)
	}
	var nodes []*nodetest.Process
	for i, c := range list {
		own := append(slices.Clone(others), "="+data, "="+places[i].dir+"/data",
			"="+password, "="+places[i].dir+"/password")
		for door, port := range manifestPorts {
			own = append(own, "0.0.0.0:"+port, places[i].host+":"+ports[i][door])
		}
		here := strings.NewReplacer(longestFirst(own)...)
		var args []string
		for _, arg := range c.args {
			args = append(args, here.Replace(arg))
		}
		if err := os.WriteFile(filepath.Join(places[i].dir, "password"), []byte(testPassword+"\n"),
			0o600); err != nil {
			t.Fatal(err)
		}
		p, err := nodetest.Run(args...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ended(t, p) })
		nodes = append(nodes, p)
	}
	for i, p := range nodes {
		if err := p.Serving(); err != nil {
			t.Fatalf("%v: %v", list[i].args, err)
		}
	}
	return places
}

// longestFirst orders pairs of what is replaced and its replacement, so that a part of a longer one is not
// taken first.
func longestFirst(pairs []string) (ordered []string) {
	list := slices.Collect(slices.Chunk(pairs, 2))
	slices.SortStableFunc(list, func(a, b []string) int { return len(b[0]) - len(a[0]) })
	return slices.Concat(list...)
}

// ended asks a node to stop, which it has to do well.
func ended(t *testing.T, p *nodetest.Process) {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if status, err := p.Status(nodetest.Patience); err != nil || status != 0 {
		t.Errorf("a node ended with status %d, %v:\n%s", status, err, p.Log())
	}
}

// together waits until so many nodes see each other and serve: with the password, and not without.
func together(t *testing.T, places []place) {
	t.Helper()
	for _, p := range places {
		nodetest.Eventually(t, "an ensemble", func() bool {
			line, err := nodetest.Dial(p.client)
			if err != nil {
				return false
			}
			defer line.Close()
			refused, err := line.Do("DBSIZE")
			if err != nil || refused.Err() == nil {
				t.Fatalf("it serves without a password: %v, %v", refused, err)
			}
			if in, err := line.Do("AUTH", testPassword); err != nil || in.Err() != nil {
				t.Fatal(in, err)
			}
			size, err := line.Do("DBSIZE")
			if err != nil || size.Err() != nil {
				return false
			}
			nodes, err := line.Do("ENSEMBLE", "NODES")
			return err == nil && len(nodes.Items) == len(places)
		})
	}
}

// probed waits until a path answers that all is well.
func probed(t *testing.T, p place, path string) {
	t.Helper()
	nodetest.Eventually(t, path, func() bool {
		answer, err := http.Get("http://" + p.http + path)
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// healthyBy runs the command with which a container is asked for its health, at a place.
func healthyBy(t *testing.T, command []string, p place) {
	t.Helper()
	if len(command) < 2 || command[0] != "/caucus" {
		t.Fatalf("the health is asked for by %q", command)
	}
	cmd := nodetest.Command(t, nodetest.Binary(t), command[1:]...)
	cmd.Env = append(os.Environ(), "CAUCUS_ADDR="+p.client)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v, %s", command, err, said)
	}
	cmd = nodetest.Command(t, nodetest.Binary(t), command[1:]...)
	cmd.Env = append(os.Environ(), "CAUCUS_ADDR="+nodetest.FreeAddress(t))
	if said, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("%v is well where nobody is: %s", command, said)
	}
}
