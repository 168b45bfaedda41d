// Command redirect is a small service of which one copy serves at a time; the others send their users to
// it. It is QCluster's example, and reads QCluster's file: each copy is a node, whose metadata says at
// which port its users come.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"slices"
	"strconv"
	"syscall"

	"github.com/caucus-project/caucus/node"
)

type service struct{ node *node.Node }

func main() {
	config := flag.String("config", "server_a.json", "QCluster's file of this copy")
	data := flag.String("data", "", "directory of its node; by default caucus-data and its name")
	flag.Parse()
	slog.SetLogLoggerLevel(slog.LevelWarn)
	if err := run(*config, *data); err != nil {
		log.Fatal(err)
	}
}

// run serves until SIGTERM. It begins when all copies of the file are there.
func run(config, data string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := node.ReadConfig(config)
	if err != nil {
		return err
	}
	cfg.Data = cmp.Or(data, cfg.Data)
	cfg.HTTP, cfg.Logger = "off", slog.Default()
	n, err := node.Open(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(service{n}.serve(ctx), n.Close())
}

// serve lets users in until ctx ends, or the node stops by itself, of which Close says why.
func (s service) serve(ctx context.Context) error {
	peers := s.node.Peers() // this copy among them, with what the others' files say of it
	i := slices.IndexFunc(peers, func(p node.Peer) bool { return p.Name == s.node.Name() })
	door, err := usersDoor(peers[i])
	if err != nil {
		return err
	}
	server := &http.Server{Addr: door, Handler: s}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-s.node.Done():
	case <-ctx.Done():
	}
	return server.Shutdown(context.Background())
}

// usersDoor gives the address at which users come to a copy.
func usersDoor(p node.Peer) (string, error) {
	var meta struct {
		ServerPort int `json:"server_port"`
	}
	if err := json.Unmarshal([]byte(p.Metadata), &meta); err != nil || meta.ServerPort == 0 {
		return "", fmt.Errorf("the metadata of %s must have a server_port, and is %q: %v", p.Name, p.Metadata, err)
	}
	return net.JoinHostPort(p.Host(), strconv.Itoa(meta.ServerPort)), nil
}

// ServeHTTP counts a visitor if this copy leads, and else says who does.
func (s service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.node.IsLeader() {
		n, err := s.node.Propose(r.Context(), "INCR", "visitors")
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "%s: you are visitor %d\n", s.node.Name(), n.Int)
		return
	}
	leader, ok := s.node.Leader()
	if !ok { // no majority of the copies is there, or they are just choosing
		w.Header().Set("Retry-After", "1")
		http.Error(w, "nobody leads", http.StatusServiceUnavailable)
		return
	}
	door, err := usersDoor(leader)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, "http://"+door+r.URL.RequestURI(), http.StatusTemporaryRedirect)
}
