package node_test

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// collector is a tracer that keeps what it is told.
type collector struct {
	none  bool // it samples nothing but what is asked for
	mu    sync.Mutex
	spans []node.Span
}

func (c *collector) Sample(asked bool) bool { return asked || !c.none }

func (c *collector) Span(s node.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans = append(c.spans, s)
}

// trace gives the spans of the trace in which a command was written, by name.
func (c *collector) trace(command string) map[string]node.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]node.Span{}
	wrote := func(s node.Span) bool { return slices.Contains(s.Commands, command) }
	i := slices.IndexFunc(c.spans, wrote)
	for _, s := range c.spans {
		if i >= 0 && s.Trace == c.spans[i].Trace {
			found[s.Name] = s
		}
	}
	return found
}

// whole waits for all spans of such a trace.
func (c *collector) whole(t *testing.T, command string) map[string]node.Span {
	t.Helper()
	nodetest.Eventually(t, command+" is traced to its end", func() bool { return len(c.trace(command)) == 7 })
	return c.trace(command)
}

// A write is told of by the client's node and the leader, each of its own parts, which lie within one
// another.
func TestATraceOfAWriteAcrossNodes(t *testing.T) {
	c := &collector{}
	nodes := nodetest.InProcess(t, 3, func(_ int, cfg *node.Config) { cfg.Tracer = c })
	lead, elsewhere := "", 0
	for i, words := range [][]string{{"set", "k", "v"}, {"HSET", "h", "f", "v"}, {"RPUSH", "l", "v"}} {
		cmd := strings.ToUpper(words[0])
		if _, err := nodes[i].Propose(within(t), words...); err != nil {
			t.Fatal(err)
		}
		s := c.whole(t, cmd)
		if s["write"].Parent != [8]byte{} || !slices.Equal(s["write"].Commands, []string{cmd}) {
			t.Errorf("the first span is %+v", s["write"])
		}
		for _, name := range []string{"wait", "replicate", "answer"} {
			if s[name].Parent != s["write"].ID || s[name].Node != nodes[i].Name() {
				t.Errorf("%s told of %s below %x: %+v", nodes[i].Name(), name, s["write"].ID, s[name])
			}
		}
		for _, name := range []string{"gather", "sync", "commit"} {
			if lead = s["gather"].Node; s[name].Parent != s["replicate"].ID || s[name].Node != lead {
				t.Errorf("the leader told of %s below %x: %+v", name, s["replicate"].ID, s[name])
			}
		}
		if s["commit"].Index == 0 || s["commit"].Term == 0 {
			t.Errorf("no place in the log: %+v", s["commit"])
		}
		inOrder(t, s)
		if lead != nodes[i].Name() {
			elsewhere++
		}
	}
	if elsewhere != 2 {
		t.Errorf("%d of three nodes sent their write to another", elsewhere)
	}
}

// inOrder looks at the times of the spans of one trace. All nodes are on one machine; what they tell each
// other's times by are two clocks that are read one after the other.
func inOrder(t *testing.T, s map[string]node.Span) {
	t.Helper()
	seam := func(first, then time.Time, what string) {
		t.Helper()
		if then.Before(first) {
			t.Errorf("%s: %v is before %v", what, then, first)
		}
	}
	for name, one := range s {
		seam(one.Begin, one.End, name)
	}
	for a, b := range map[string]string{"wait": "replicate", "replicate": "answer", "gather": "sync"} {
		if !s[a].End.Equal(s[b].Begin) {
			t.Errorf("%s ends at %v, and %s begins at %v", a, s[a].End, b, s[b].Begin)
		}
	}
	if !s["wait"].Begin.Equal(s["write"].Begin) || !s["answer"].End.Equal(s["write"].End) {
		t.Errorf("the parts are not the whole: %+v", s)
	}
	if !s["commit"].Begin.Equal(s["sync"].Begin) {
		t.Errorf("sync and commit do not begin together: %+v", s)
	}
	seam(s["sync"].End, s["commit"].End, "the leader's disk and the majority's")
	const between = time.Second // their clocks
	seam(s["replicate"].Begin, s["gather"].Begin.Add(between), "to the leader")
	seam(s["commit"].End, s["replicate"].End.Add(between), "and back")
}

// A client's own trace goes on in the nodes if it is recorded, and not otherwise. The commands of a
// transaction are named, each once.
func TestATraceOfAClientOverHTTP(t *testing.T) {
	c := &collector{none: true}
	n := nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) { cfg.Tracer = c })[0]
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	_, _, addr := n.Addresses()
	post := func(body, traceparent string) {
		at := "http://" + addr + "/v1/commands"
		r, err := http.NewRequestWithContext(within(t), "POST", at, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if traceparent != "" {
			r.Header.Set("traceparent", traceparent)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatal(body, answer.Status)
		}
	}
	post(`["INCR", "k"]`, "")
	post(`["INCR", "k"]`, "00-"+trace+"-"+parent+"-00")
	post(`["INCR", "k"]`, "nonsense")
	post(`[["SET", "a", "1"], ["GET", "a"], ["LPUSH", "b", "x"], ["set", "a", "2"]]`,
		"00-"+trace+"-"+parent+"-01")
	s := c.whole(t, "SET")
	whole := s["write"]
	if hex.EncodeToString(whole.Trace[:]) != trace || hex.EncodeToString(whole.Parent[:]) != parent {
		t.Errorf("the trace is not the client's: %+v", whole)
	}
	if strings.Join(whole.Commands, ",") != "EXEC,SET,GET,LPUSH" {
		t.Errorf("it wrote %q", whole.Commands)
	}
	inOrder(t, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spans) != 7 {
		t.Errorf("traced, although nobody asked: %+v", c.spans)
	}
}

// A write that comes to nothing is told of as far as it came, with the word that its client was told.
func TestATraceOfAWriteThatFails(t *testing.T) {
	c := &collector{}
	nodes := nodetest.InProcess(t, 2, func(_ int, cfg *node.Config) {
		cfg.Tracer, cfg.RequestTimeout = c, 500*time.Millisecond
	})
	if err := nodes[1].Close(); err != nil {
		t.Fatal(err)
	}
	_, err := nodes[0].Propose(within(t), "PERSIST", "k")
	said := caucus.ParseError(err.Error())
	nodetest.Eventually(t, "the write is traced", func() bool { return len(c.trace("PERSIST")) > 1 })
	s := c.trace("PERSIST")
	last := s["wait"]
	if r, sent := s["replicate"]; sent {
		last = r
	}
	if s["write"].Error != said.Word || last.Error != said.Word || said.Word == "ERR" {
		t.Errorf("%v was told, and traced %+v", err, s)
	}
	if _, answered := s["answer"]; answered || s["commit"].Name != "" || !last.End.Equal(s["write"].End) {
		t.Errorf("it says of a write that was not applied: %+v", s)
	}
}
