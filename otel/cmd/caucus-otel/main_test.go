package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// file writes a file and gives its path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// place gives where a node will serve, and the file that says so.
func place(t *testing.T) (addr, config string) {
	t.Helper()
	addr = nodetest.FreeAddresses(t, 2)[0] // the second is the peer door
	host, port, _ := net.SplitHostPort(addr)
	return addr, file(t, fmt.Sprintf(`{"identifier": "n1", "listen_host": %q, "listen_port": %s, "peers": [],
		"http": "off", "data": %q}`, host, port, t.TempDir()))
}

// The node of a file serves who has its password, and its spans come to the collector.
func TestANodeThatIsTraced(t *testing.T) {
	var posts atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			posts.Add(1)
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	addr, config := place(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-ratio", "1", "-password-file", file(t, "sesame\n"), config}) }()
	defer cancel()
	nodetest.Eventually(t, "it serves", func() bool {
		c, err := client.Dial(ctx, client.Config{Addrs: []string{addr}, Password: "sesame"})
		if err != nil {
			return false
		}
		defer c.Close()
		_, err = c.Do(ctx, caucus.Command{"SET", "k", "v"})
		return err == nil
	})
	cancel()
	if err := <-ended; err != nil || posts.Load() == 0 {
		t.Errorf("it ended with %v, after %d posts to the collector", err, posts.Load())
	}
}

// A node that speaks TLS lets in whom the flags say, and each user asks for as much as they say.
func TestANodeThatSpeaksTLS(t *testing.T) {
	authority := nodetest.NewAuthority(t)
	shown := authority.Node("n1")
	addr, config := place(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-ratio", "0", "-tls-cert", shown.Cert, "-tls-key", shown.Key,
			"-tls-ca", shown.CA, "-tls-clients", "optional", "-tls-min", "1.2", "-max-user-rate", "5000", config})
	}()
	defer cancel()
	rules := authority.Rules("") // no certificate
	rules.MinVersion, rules.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	nodetest.Eventually(t, "it serves", func() bool {
		c, err := client.Dial(ctx, client.Config{Addrs: []string{addr}, TLS: rules})
		if err != nil {
			return false
		}
		defer c.Close()
		r, err := c.Do(ctx, caucus.Command{"CONFIG", "GET", "max-user-rate"})
		return err == nil && r.Field("max-user-rate").Text() == "5000"
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAWrongCommandLine(t *testing.T) {
	good := file(t, `{"identifier": "n1", "listen_host": "127.0.0.1", "listen_port": 7001, "peers": []}`)
	for words, args := range map[string][]string{
		"name one FILE":         {},
		"no such file":          {filepath.Join(t.TempDir(), "nowhere")},
		"Ratio is 2":            {"-ratio", "2", good},
		"the file is empty":     {"-password-file", file(t, "\n"), good},
		"flag provided but not": {"-rate", "2", good},
		"-password-file: open ": {"-password-file", filepath.Join(t.TempDir(), "nowhere"), good},
		"TLS needs the node's":  {"-tls-cert", good, good},
		"it is 1.2 or 1.3":      {"-tls-min", "1.1", good},
	} {
		if err := run(t.Context(), args); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
