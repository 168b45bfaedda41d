package node_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/node"
)

// redis-cli --stat shows nonsense for a field that is missing.
func TestInfoHasWhatRedisCliShows(t *testing.T) {
	n, err := node.Open(t.Context(), node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	text := n.Local(t.Context(), caucus.Command{"INFO"}).Str
	for _, field := range []string{"db0:keys=", "used_memory:", "connected_clients:", "blocked_clients:",
		"total_commands_processed:", "total_connections_received:"} {
		if !strings.Contains(text, "\r\n"+field) {
			t.Errorf("INFO has no %s:\n%s", field, text)
		}
	}
}
