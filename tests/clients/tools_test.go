package clients

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// TestTools runs what comes with redis-cli against a node, and looks for some words in what it prints.
func TestTools(t *testing.T) {
	t.Parallel()
	tool.Need(t, "redis-cli", "redis-benchmark")
	c := nodetest.Start(t, 3)
	host, port, err := net.SplitHostPort(c.Addr(1))
	if err != nil {
		t.Fatal(err)
	}
	run := func(program, stdin string, words []string, args ...string) {
		t.Helper()
		cmd := nodetest.Command(t, program, append([]string{"-h", host, "-p", port}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		text := string(out)
		if err != nil || strings.Contains(text, "rror:") || strings.Contains(text, "ERR ") {
			t.Errorf("%v: %v\n%s", cmd.Args, err, text)
		}
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%v does not say %q:\n%s", cmd.Args, word, text)
			}
		}
	}
	run("redis-benchmark", "", []string{"SET", "INCR", "LPUSH", "LPOP", "SADD", "HSET", "SPOP", "ZADD",
		"ZPOPMIN", "LRANGE_600", "MSET"}, "-n", "300", "-c", "10", "-q")
	run("redis-cli", "SET piped 1\r\nHSET h f v\r\n", []string{"errors: 0, replies: 2"}, "--pipe")
	run("redis-cli", "", []string{"mylist", "Biggest"}, "--bigkeys")
	run("redis-cli", "", []string{"mylist", "bytes"}, "--memkeys")
	run("redis-cli", "", []string{"piped"}, "--scan", "--pattern", "pip*")
	run("redis-cli", "get piped\n", []string{"1"}, "-c")
	check(t, "--cluster", "check", c.Addr(1))
	goesOn(t, "clients", "-h", host, "-p", port, "--stat", "-i", "0.1")
}

func check(t *testing.T, args ...string) {
	t.Helper()
	out, err := nodetest.Command(t, "redis-cli", args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "All 16384 slots covered") {
		t.Errorf("%v: %v\n%s", args, err, out)
	}
}

// goesOn looks at the first lines of a tool that goes on until it is stopped.
func goesOn(t *testing.T, want string, args ...string) {
	t.Helper()
	cmd := nodetest.Command(t, "redis-cli", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, seen := bufio.NewScanner(out), ""
	for range 5 {
		if lines.Scan() {
			seen += lines.Text() + "\n"
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	if !strings.Contains(seen, want) {
		t.Errorf("%v says\n%s", args, seen)
	}
}
