package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// serve starts a node with more arguments, on free ports, and ends it with the test.
func serve(t *testing.T, args ...string) (p *nodetest.Process, addr string) {
	t.Helper()
	addr = nodetest.FreeAddress(t)
	p, err := nodetest.Run(append([]string{"serve", "--listen", addr, "--peer-listen", nodetest.FreeAddress(t),
		"--http", "off"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Signal(9); err != nil {
			t.Error(err)
		}
		if _, err := p.Status(nodetest.Patience); err != nil {
			t.Error(err)
		}
	})
	return p, addr
}

// What an ensemble was can be begun anew from a dump, in another directory, by the command line alone.
func TestServeFromADump(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	for _, cmd := range [][]string{{"SET", "a", "1"}, {"GROUP", "CREATE", "g"}, {"CHECKPOINT", "out"}} {
		if reply, err := nodetest.Ask(c.Addr(0), cmd...); err != nil || reply.Err() != nil {
			t.Fatal(cmd, reply, err)
		}
	}
	dump, data := filepath.Join(c.Data(0), "checkpoints", "out.jsonl"), filepath.Join(t.TempDir(), "new")
	p, addr := serve(t, "--data", data, "--from", dump)
	if err := p.Serving(); err != nil {
		t.Fatal(err)
	}
	reply, err := nodetest.Ask(addr, "GET", "a")
	if err != nil || reply.Str != "1" {
		t.Error(reply, err)
	}
	if reply, err := nodetest.Ask(addr, "GROUP", "LIST", "MATCH", "g"); err != nil || len(reply.Items) != 1 {
		t.Error(reply, err)
	}
}

func TestServeFromABadDump(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dump, data := filepath.Join(dir, "dump.jsonl"), filepath.Join(dir, "new")
	if err := os.WriteFile(dump, []byte(`{"caucus_dump":9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--from " + dump:                    "line 1: it is a dump of version 9, and this version",
		"--from " + dump + ".none":          "no such file",
		"--join 127.0.0.1:1 --from " + dump: "leave one of them out",
	} {
		p, _ := serve(t, append(strings.Fields(args), "--data", data)...)
		status, err := p.Status(nodetest.Patience)
		if err != nil || status != 1 || !strings.Contains(p.Log(), want) {
			t.Errorf("%s: status %d, %v:\n%s\nwant %s", args, status, err, p.Log(), want)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Error("a directory was made:", err)
	}
}
