package doors

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/nodetest"
)

func TestMain(m *testing.M) { nodetest.Main(m) }

// TestEveryCommand plays every script with every client on one ensemble of three, all at once.
func TestEveryCommand(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scripts", err)
	}
	var nodes sync.Mutex // held by who plays node.txt, which changes who is a node and who leads, for all
	t.Run("all", func(t *testing.T) {
		for _, path := range paths {
			for _, d := range dialers() {
				t.Run(strings.TrimSuffix(filepath.Base(path), ".txt")+"/"+d.name, func(t *testing.T) {
					t.Parallel()
					if filepath.Base(path) == "node.txt" {
						nodes.Lock()
						defer nodes.Unlock()
					}
					play(t, c, d, path)
				})
			}
		}
	})
	c.Agree()
}

// elsewhere are the commands that need a test of their own.
var elsewhere = map[string]string{
	"subscribe": "TestSubscribe", "unsubscribe": "TestSubscribe",
	"psubscribe": "TestSubscribe", "punsubscribe": "TestSubscribe",
	"flushall": "TestFlush", "flushdb": "TestFlush",
	"shutdown": "TestShutdown", "quit": "TestQuit", "auth": "TestPassword",
}

// TestNoCommandIsForgotten holds the scripts against the table of commands.
func TestNoCommandIsForgotten(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	said := strings.ToLower(all.String())
	for _, s := range command.New().All() {
		words := strings.ReplaceAll(s.Name, "|", " ")
		if !strings.Contains(said, words+" ") && elsewhere[s.Name] == "" {
			t.Errorf("no script says %s", strings.ToUpper(words))
		}
	}
}
