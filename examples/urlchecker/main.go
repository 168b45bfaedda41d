// Command urlchecker checks whether URLs answer. Every copy is a node of one ensemble, so each has the
// list, which anybody may change with redis-cli; the one that leads does the checking, and if it dies
// another goes on.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/node"
)

func main() {
	cfg := node.Config{HTTP: "off"}
	flag.StringVar(&cfg.Name, "id", "n1", "name of this node")
	flag.StringVar(&cfg.Listen, "listen", "127.0.0.1:5010", "where clients come; peers at the next port")
	flag.StringVar(&cfg.Data, "data", "urlchecker-n1", "directory of this node")
	join := flag.String("join", "", "where another copy listens; nothing for the first")
	every := flag.Duration("every", 5*time.Second, "how often all URLs are checked")
	flag.Parse()
	if *join != "" {
		cfg.Join = strings.Split(*join, ",")
	}
	log.SetPrefix(cfg.Name + " ")
	slog.SetLogLoggerLevel(slog.LevelWarn)
	cfg.Logger = slog.Default()
	cfg.OnLeader = func(ctx context.Context, n *node.Node, term uint64) {
		checker{n.Client(), term}.lead(ctx, *every)
	}
	if err := run(cfg); err != nil {
		log.Fatal(err)
	}
}

// run is a node until SIGTERM. Then Close ends the context of OnLeader, waits until that has returned and
// hands over, so that the next copy begins at once.
func run(cfg node.Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	n, err := node.Open(ctx, cfg)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-n.Done(): // it stopped by itself, and Close says why
	}
	return n.Close()
}

// checker is this copy while it leads.
type checker struct {
	store *client.Client // in memory: there is no connection
	term  uint64         // rises with every leadership
}

// lead checks all URLs every so often, until ctx ends. Then it must return: the next copy waits for that,
// but not for long.
func (c checker) lead(ctx context.Context, every time.Duration) {
	log.Print("leads")
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := c.checkAll(ctx); err != nil && ctx.Err() == nil {
			log.Printf("not all could be checked: %v", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	log.Print("leads no more")
}

// checkAll checks what the keys url:* hold, and writes to status:* what it finds. The guard refuses what
// comes too late: of a copy that was stopped for a minute, say, before its last write, while others went
// on.
func (c checker) checkAll(ctx context.Context) error {
	for key, err := range c.store.Scan(ctx, "url:*") {
		if err != nil {
			return err
		}
		url, _, err := c.store.Get(ctx, key)
		if err != nil {
			return err
		}
		status := check(ctx, url)
		if ctx.Err() != nil {
			return nil // what was given up says nothing of the URL
		}
		log.Printf("%s: %s", key, status)
		set := caucus.Command{"SET", "status:" + strings.TrimPrefix(key, "url:"), status}
		_, err = c.store.Transact(ctx, []caucus.Command{set}, client.GuardTerm("nodes", c.term))
		if err != nil {
			return err
		}
	}
	return nil
}

var patient = http.Client{Timeout: 5 * time.Second}

// check asks for a URL, and gives the status of the answer or why there is none.
func check(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := patient.Do(req)
	if err != nil {
		return err.Error()
	}
	resp.Body.Close()
	return resp.Status
}
