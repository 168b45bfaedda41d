package tests

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// verb carries out a command line that ends by itself.
func verb(t testing.TB, args ...string) (status int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := nodetest.Command(t, nodetest.Binary(t), args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// shape is the order of the names in a JSON object and in the first element of its lists (WIRE "HTTP").
func shape(t *testing.T, text string) string {
	t.Helper()
	var names []string
	in := json.NewDecoder(strings.NewReader(text))
	for depth, name := 0, true; ; {
		token, err := in.Token()
		if err != nil {
			return strings.Join(names, " ")
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			name = token == json.Delim('{')
		case json.Delim('}'), json.Delim(']'):
			depth--
			name = true
		default:
			if name {
				names = append(names, token.(string))
			}
			name = !name
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	if _, err := nodetest.Ask(c.Addr(0), "GROUP", "CREATE", "g", "SLOTS", "12"); err != nil {
		t.Fatal(err)
	}
	line, err := nodetest.Dial(c.Addr(1))
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	if reply, err := line.Do("SESSION", "OPEN"); err != nil || reply.Err() != nil {
		t.Fatal(reply, err)
	}
	addrs := strings.Join(c.Addrs(), ",")
	status, out, said := verb(t, "status", "--json", "--addr", addrs)
	if status != 0 || said != "" {
		t.Fatalf("status %d, said %q", status, said)
	}
	node := " name id role addr peer http metadata term index applied lag contact_ms version level" +
		" sessions connections disk disk_free clock_ms"
	want := "cluster_id name leader term commit quorum time nodes" + strings.Repeat(node, 3) +
		" groups" + strings.Repeat(" name state size total epoch leader term slots", 2)
	var s struct {
		Leader string
		Quorum bool
		Nodes  []struct {
			Name                  string
			Sessions, Connections *int
		}
		Groups []struct {
			Name  string
			Slots int
		}
	}
	if got := shape(t, out); got != want {
		t.Errorf("the shape is\n%s, want\n%s", got, want)
	}
	resp, err := http.Get("http://" + c.HTTP(2) + "/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if got := shape(t, string(body)); got != want || err != nil {
		t.Errorf("over HTTP the shape is\n%s, want\n%s (%v)", got, want, err)
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	leads := c.Leader()
	if s.Leader != c.Name(leads) || !s.Quorum || s.Groups[0].Name != "g" || s.Groups[0].Slots != 12 {
		t.Errorf("status is %+v", s)
	}
	for _, n := range s.Nodes {
		if n.Connections == nil || n.Sessions == nil || (*n.Sessions == 2) != (n.Name == c.Name(1)) ||
			*n.Connections < 1 && n.Name == c.Name(1) { // one session is the node's own
			t.Errorf("sessions and connections of %+v", n)
		}
	}

	leads = (leads + 1) % 3 // of both from here on
	if status, out, said = verb(t, "node", "transfer", c.Name(leads), "--addr", addrs); status != 0 {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	status, out, _ = verb(t, "status", "--addr", addrs)
	for _, want := range []string{"quorum yes", "n1", "n2", "n3", c.Name(leads) + "    leader    log,nodes",
		"follower", "GROUP", "settling"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table says nothing of %q:\n%s", want, out)
		}
	}
	if status != 0 || strings.Contains(out, "warning") || strings.Contains(out, "\x1b") {
		t.Errorf("status %d:\n%s", status, out)
	}

	for i := range 3 { // one is left, who is no majority
		if i != leads {
			c.Kill(i)
		}
	}
	status, out, said = verb(t, "status", "--addr", addrs)
	if status != 1 || !strings.Contains(said, "no quorum") {
		t.Errorf("status %d, said %q", status, said)
	}
	for _, want := range []string{"quorum NONE", "unreachable", "warning", "settling"} {
		if !strings.Contains(out, want) {
			t.Errorf("without a quorum the table says nothing of %q:\n%s", want, out)
		}
	}
	c.Kill(leads)
	status, out, said = verb(t, "status", "--addr", addrs)
	if status != 1 || out != "" || !strings.Contains(said, c.Addr(0)) {
		t.Errorf("status %d, said %q:\n%s", status, said, out)
	}
}
