package node_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

func runConfig(t *testing.T) node.Config {
	return node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0", HTTP: "off"}
}

// Run lasts until its context ends, has the leader's work stopped then, and has nothing to complain of.
func TestRunUntilTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	cfg, led, closed := runConfig(t), false, false
	cfg.OnLeader = func(leading context.Context, _ *node.Node, _ uint64) {
		cancel()
		<-leading.Done()
		led = true
	}
	cfg.OnShutdown = func(*node.Node) { closed = true }
	if err := node.Run(ctx, cfg); err != nil || !led || !closed {
		t.Errorf("it gives %v; it led: %v, was shut down: %v", err, led, closed)
	}
}

// A context that ends while a node still waits for the others ends it as well.
func TestRunThatIsEndedWhileOpening(t *testing.T) {
	ctx, cancel := context.WithCancelCause(within(t))
	cfg := runConfig(t)
	cfg.Join = []string{nodetest.FreeAddress(t)}
	cancel(errors.New("asked to end"))
	if err := node.Run(ctx, cfg); err != nil {
		t.Error(err)
	}
}

// What keeps a node from being opened, or ends it, is the error.
func TestRunGivesWhatWentWrong(t *testing.T) {
	if err := node.Run(within(t), node.Config{}); err == nil || !strings.Contains(err.Error(), "Data is empty") {
		t.Errorf("without a directory: %v", err)
	}
	cfg := runConfig(t)
	cfg.Listen = "nowhere"
	err := node.Run(within(t), cfg)
	if err == nil || !strings.Contains(err.Error(), `Listen (--listen) "nowhere" is not host:port`) {
		t.Errorf("at no address: %v", err)
	}
}

// A list without the node's own address founds nothing, so whoever waits by it is told what would.
func TestAListOfOthersSaysHowToFound(t *testing.T) {
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	cfg := runConfig(t)
	cfg.Join = []string{nodetest.FreeAddress(t)}
	cfg.Logger = slog.New(slog.NewTextHandler(node.Heard{"in Join (--join) too, or use Peers", cancel}, nil))
	if _, err := node.Open(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("it was not told: %v", err)
	}
}
