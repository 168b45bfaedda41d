package node_test

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// What is stated for a node becomes the ensemble's limit once the node has started, whatever it was before; a
// node for which nothing is stated leaves it as it is.
func TestB13_TheLimitOnMemoryIsTold(t *testing.T) {
	cfg := node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off", MaxMemory: 2 << 30}
	limited := func(n *node.Node, want string) {
		t.Helper()
		nodetest.Eventually(t, "maxmemory is "+want, func() bool {
			r := does(t, n, "CONFIG GET maxmemory")
			return len(r.Items) == 2 && r.Items[1].Str == want
		})
	}
	n := open(t, cfg)
	limited(n, "2147483648")
	does(t, n, "CONFIG SET maxmemory 1gb")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = open(t, cfg)
	limited(n, "2147483648")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.MaxMemory = 0
	limited(open(t, cfg), "2147483648")
}

// said gives the status of a command over HTTP.
func said(t *testing.T, at, body string) int {
	t.Helper()
	r, err := http.Post("http://"+at+"/v1/commands", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Body.Close(); err != nil {
		t.Error(err)
	}
	return r.StatusCode
}

// An argument over the setting is refused without harm to the connection; under a larger setting it is taken.
func TestTheLongestArgumentIsASetting(t *testing.T) {
	long := strings.Repeat("x", 2048)
	for _, tt := range []struct {
		most    int
		refused bool
	}{{1 << 10, true}, {4 << 10, false}} {
		n := open(t, node.Config{Data: t.TempDir(),
			Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0", MaxArgument: tt.most})
		addr, _, web := n.Addresses()
		c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, PoolSize: 1})
		t.Cleanup(func() { _ = c.Close() })
		if err := c.Set(t.Context(), "k", long, 0).Err(); (err != nil) != tt.refused {
			t.Errorf("with %d bytes at most: %v", tt.most, err)
		}
		if got, err := c.Echo(t.Context(), "still here").Result(); err != nil || got != "still here" {
			t.Errorf("afterwards: %q, %v", got, err)
		}
		if got := said(t, web, `["SET","k","`+long+`"]`); (got == http.StatusBadRequest) != tt.refused {
			t.Errorf("with %d bytes at most, HTTP answers %d", tt.most, got)
		}
		if _, err := n.Do(t.Context(), caucus.Command{"SET", "k", long}); (err != nil) != tt.refused {
			t.Errorf("with %d bytes at most, the process itself is told %v", tt.most, err)
		}
		settings := c.ConfigGet(t.Context(), "proto-max-bulk-len").Val()
		if got := settings["proto-max-bulk-len"]; got != strconv.Itoa(tt.most) {
			t.Errorf("CONFIG GET says %s, not %d", got, tt.most)
		}
	}
	for _, bad := range []int{-1, 1023, 32<<20 + 1} {
		_, err := node.Open(t.Context(), node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", MaxArgument: bad})
		if err == nil || !strings.Contains(err.Error(), "proto-max-bulk-len") {
			t.Errorf("%d bytes: %v", bad, err)
		}
	}
}

// A subscriber for whom more waits than the setting allows is cut, and counted; others may be further behind.
func TestTheBacklogOfASubscriberIsASetting(t *testing.T) {
	const least, text = 1 << 20, 128 << 10
	for _, tt := range []struct {
		most int
		cuts bool
	}{{least, true}, {32 << 20, false}} {
		n := open(t, node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0",
			MaxClientBacklog: tt.most})
		deaf(t, n, "c")
		cut := false
		for sent := 0; sent < 24<<20 && !cut; sent += text {
			cut = does(t, n, "PUBLISH c "+strings.Repeat("x", text)).Int == 0
		}
		if cut != tt.cuts {
			t.Errorf("with %d bytes, who reads nothing is cut: %t", tt.most, cut)
		}
		nodetest.Eventually(t, "who was cut, and nobody else, is counted", func() bool {
			slow := value(t, scrape(t, n), "caucus_connections_refused_total", "why", "slow")
			return slow == 1 && tt.cuts || slow == 0 && !tt.cuts
		})
		r := does(t, n, "CONFIG GET max-client-backlog")
		if r.Field("max-client-backlog").Text() != strconv.Itoa(tt.most) {
			t.Errorf("CONFIG GET says %v, not %d", r, tt.most)
		}
	}
	_, err := node.Open(t.Context(), node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0",
		MaxClientBacklog: least - 1})
	if err == nil || !strings.Contains(err.Error(), "--max-client-backlog") {
		t.Errorf("too little is answered %v", err)
	}
}

// deaf is a subscriber who reads nothing of what is published.
func deaf(t *testing.T, n *node.Node, channel string) {
	t.Helper()
	addr, _, _ := n.Addresses()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "SUBSCRIBE "+channel+"\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len("*3\r\n"))); err != nil {
		t.Fatal(err)
	}
}
