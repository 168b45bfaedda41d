package node_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
	"github.com/caucus-project/caucus/node"
	"github.com/redis/go-redis/v9"
)

// urls are the commands of a program that keeps lists of URLs.
func urls() []node.Command {
	return []node.Command{
		{Name: "url.add", Writes: true, Least: 2, Most: 2, Usage: "list url", Summary: "Adds a URL to a list",
			Run: func(tx *node.Tx, args []string) caucus.Reply {
				tx.Do("APPEND", args[0], args[1]+" ")
				if !strings.HasPrefix(args[1], "http") {
					return caucus.Fail(caucus.ErrBad, "'%s' is no URL", args[1])
				}
				return tx.Do("INCR", args[0]+":count")
			}},
		{Name: "url.list", Least: 1, Most: 1, Usage: "list", Summary: "Gives the URLs of a list",
			Run: func(tx *node.Tx, args []string) caucus.Reply {
				return caucus.Bulks(strings.Fields(tx.Do("GET", args[0]).Text())...)
			}},
		{Name: "url.crash", Writes: true, Run: func(tx *node.Tx, args []string) caucus.Reply {
			tx.Do("FLUSHALL")
			panic("on purpose")
		}},
	}
}

// transcript is what nodes log.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *transcript) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), text)
}

func TestCustomCommandsOnEveryNode(t *testing.T) {
	logs := make([]transcript, 3)
	nodes := nodetest.InProcess(t, 3, func(i int, cfg *node.Config) {
		cfg.Commands, cfg.Logger = urls(), slog.New(slog.NewTextHandler(&logs[i], nil))
	})
	for i, n := range nodes {
		addr, _, _ := n.Addresses()
		c := redis.NewClient(&redis.Options{Addr: addr})
		t.Cleanup(func() { c.Close() })
		url := fmt.Sprintf("http://%d", i)
		if got, err := c.Do(t.Context(), "URL.ADD", "l", url).Int(); err != nil || got != i+1 {
			t.Errorf("%s: url.add gives %d, %v", n.Name(), got, err)
		}
		err := c.Do(t.Context(), "url.add", "l", "word").Err()
		if err == nil || err.Error() != "ERR 'word' is no URL" {
			t.Errorf("%s: url.add of a word gives %v", n.Name(), err)
		}
		if _, err := n.Propose(within(t), "url.crash"); !errors.Is(err, caucus.ErrBad) {
			t.Errorf("%s: url.crash gives %v", n.Name(), err)
		}
		if got, err := n.Propose(within(t), "url.list", "l"); err != nil || len(got.Items) != i+1 {
			t.Errorf("%s: url.list gives %+v, %v", n.Name(), got, err)
		}
	}
	for i := range logs {
		nodetest.Eventually(t, "each node logs the panic and its stack", func() bool {
			return logs[i].has("command=url.crash") && logs[i].has("on purpose") && logs[i].has("commands_test.go")
		})
	}
}

// A transaction takes them, and one that watches what they change is not carried out.
func TestCustomCommandsAndWatch(t *testing.T) {
	n := nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) { cfg.Commands = urls() })[0]
	addr, _, _ := n.Addresses()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	add := func(between ...any) error {
		return c.Watch(t.Context(), func(tx *redis.Tx) error {
			if err := c.Do(t.Context(), between...).Err(); err != nil && !strings.Contains(err.Error(), "is no URL") {
				return err
			}
			_, err := tx.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
				p.Do(t.Context(), "url.add", "l", "http://tx")
				p.Do(t.Context(), "url.list", "l")
				return nil
			})
			return err
		}, "l")
	}
	if err := add("url.add", "l", "http://other"); !errors.Is(err, redis.TxFailedErr) {
		t.Errorf("what changed between gives %v", err)
	}
	if err := add("url.add", "l", "word"); err != nil {
		t.Errorf("what failed between gives %v", err)
	}
	if got := does(t, n, "url.list l"); len(got.Items) != 2 {
		t.Errorf("the list is %+v", got)
	}
	if got := does(t, n, "READONLY", "url.list l"); len(got.Items) != 2 {
		t.Errorf("a local read gives %+v", got)
	}
}

// HTTP takes them, and so does a session of package client, which asks once which of them change the state.
func TestCustomCommandsOverHTTPAndInSessions(t *testing.T) {
	n := nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) { cfg.Commands = urls() })[0]
	_, _, web := n.Addresses()
	for _, c := range []struct{ body, want string }{
		{`["url.add", "l", "http://a"]`, `"reply":1`},
		{`["url.list", "l"]`, `"reply":["http://a"]`},
		{`[["url.add", "l", "http://b"], ["url.list", "l"]]`, `"reply":[2,["http://a","http://b"]]`},
		{`["url.add", "l", "word"]`, `"error":"ERR"`}, {`["url.add", "l"]`, "wrong number of arguments"},
	} {
		r, err := http.Post("http://"+web+"/v1/commands", "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if text := strings.ReplaceAll(string(body), " ", ""); err != nil ||
			!strings.Contains(text, strings.ReplaceAll(c.want, " ", "")) {
			t.Errorf("%s gives %s, %v", c.body, body, err)
		}
	}
	s, err := n.Client().Session(within(t), client.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 2 {
		r, err := s.Do(within(t), caucus.Command{"url.add", "l", "http://s"})
		if err != nil || r.Int != int64(i+3) {
			t.Errorf("in a session url.add gives %+v, %v", r, err)
		}
		if r, err := s.Do(within(t), caucus.Command{"url.list", "l"}); err != nil || len(r.Items) != i+3 {
			t.Errorf("in a session url.list gives %+v, %v", r, err)
		}
	}
}

func TestCustomCommandsFromRedisCLI(t *testing.T) {
	tool.Need(t, "redis-cli")
	n := nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) { cfg.Commands = urls() })[0]
	addr, _, _ := n.Addresses()
	_, port, _ := strings.Cut(addr, ":")
	for _, c := range []struct{ line, want string }{
		{"url.add l http://a", "1"}, {"URL.LIST l", "http://a"}, {"url.add l", "ERR wrong number of arguments for"},
		{"url.list", "ERR wrong number of arguments for 'url.list' command"}, {"COMMAND LIST", "url.crash"},
		{"COMMAND INFO url.add", "denyoom"}, {"COMMAND DOCS url.add", "Adds a URL to a list"},
		{"INFO commandstats", "cmdstat_url.add:calls=1"},
	} {
		words := append([]string{"-p", port}, strings.Fields(c.line)...)
		out, err := nodetest.Command(t, "redis-cli", words...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s gives %q, %v", c.line, out, err)
		}
	}
}

// A node that lacks a command which is in the log stops and names it; with the command it goes on from there,
// and without it it stops again.
func TestNodeThatLacksACommandStops(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, func(_ int, cfg *node.Config) {
		cfg.Commands = urls()
	})
	lead, _, _ := nodes[0].Addresses()
	cfg := node.Config{Name: "n3", Data: t.TempDir(), Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0",
		HTTP: "off", Join: []string{lead}}
	third, err := node.Open(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	does(t, third, "SET k v")
	does(t, nodes[1], "url.add l http://a")
	<-third.Done()
	lacking := func(err error) bool {
		return err != nil &&
			strings.Contains(err.Error(), "the command 'url.add' is not registered here: register it")
	}
	if err := third.Close(); !lacking(err) || !lacking(third.Err()) {
		t.Errorf("it stopped because of %v", err)
	}
	if third, err = node.Open(within(t), cfg); err == nil { // it stops once it hears what is committed
		<-third.Done()
		err = third.Close()
	}
	if !lacking(err) {
		t.Errorf("started again without the command it says %v", err)
	}
	cfg.Commands = urls()
	third, err = node.Open(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := does(t, third, "url.add l http://b", "url.list l"); len(got.Items) != 2 {
		t.Errorf("with the command it has %+v", got)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
}

// A directory whose log has them is recovered by the program that has them.
func TestRecoverWithCustomCommands(t *testing.T) {
	dir := t.TempDir()
	cfg := node.Config{Name: "n1", Data: dir, Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0", HTTP: "off",
		Commands: urls()}
	n, err := node.Open(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	does(t, n, "url.add l http://a")
	other := cfg
	other.Name, other.Data = "n2", t.TempDir()
	other.Join = []string{first(n.Addresses())}
	second, err := node.Open(within(t), other)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(second.Close(), n.Close()); err != nil {
		t.Fatal(err)
	}
	yes := func(node.Recovery) bool { return true }
	_, err = node.Recover(dir, yes)
	if err == nil || !strings.Contains(err.Error(), "'url.add' is not registered") {
		t.Errorf("without them: %v", err)
	}
	if _, err := node.Recover(dir, yes, urls()...); err != nil {
		t.Fatal(err)
	}
	if n, err = node.Open(within(t), cfg); err != nil {
		t.Fatal(err)
	}
	if got := does(t, n, "url.list l"); len(got.Items) != 1 {
		t.Errorf("it has %+v", got)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

func first(client, _, _ string) string { return client }

func TestBadCommandsAreRefused(t *testing.T) {
	run := func(*node.Tx, []string) caucus.Reply { return caucus.OK() }
	for _, c := range []struct {
		want string
		list []node.Command
	}{
		{"the name of the command \"a|b\"", []node.Command{{Name: "a|b", Run: run}}},
		{"the name of the command \".a\"", []node.Command{{Name: ".a", Run: run}}},
		{"the command 'a' has no function Run", []node.Command{{Name: "a"}}},
		{"the command 'get' exists already", []node.Command{{Name: "GET", Run: run}}},
		{"the command 'app.a' exists already",
			[]node.Command{{Name: "app.a", Run: run}, {Name: "App.A", Run: run}}},
		{"at least 2 arguments and at most 1", []node.Command{{Name: "a", Least: 2, Most: 1, Run: run}}},
		{"at least -1 arguments", []node.Command{{Name: "a", Least: -1, Most: 1, Run: run}}},
	} {
		n, err := node.Open(within(t), node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off",
			Commands: c.list})
		if err == nil {
			n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
}
