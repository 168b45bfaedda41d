package node_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/node"
)

// place makes a directory for an example, and removes it when end is called.
func place() (dir string, end func()) {
	dir, err := os.MkdirTemp("", "caucus")
	if err != nil {
		log.Fatal(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) } // what is left there harms nobody
}

// One node is a whole ensemble. Others join it with Join, or found it together with Peers.
func ExampleOpen() {
	ctx := context.Background()
	dir, end := place()
	defer end()
	n, err := node.Open(ctx, node.Config{Name: "n1", Data: dir, Listen: "127.0.0.1:0", HTTP: "off"})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	if _, err := n.Propose(ctx, "SET", "greeting", "hello"); err != nil {
		log.Fatal(err)
	}
	r, err := n.Propose(ctx, "GET", "greeting")
	fmt.Println(r.Text(), err)
	// Output: hello <nil>
}

// What only the leader does runs in OnLeader. Its context ends when another node may be about to lead; Close
// waits for it.
func ExampleConfig_OnLeader() {
	dir, end := place()
	defer end()
	leader := make(chan string, 1)
	n, err := node.Open(context.Background(), node.Config{Name: "n1", Data: dir, Listen: "127.0.0.1:0",
		HTTP: "off", OnLeader: func(ctx context.Context, n *node.Node, term uint64) {
			select {
			case leader <- n.Name():
			default: // it was told before, and led again
			}
			<-ctx.Done() // work until here
		}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-leader, "leads")
	if err := n.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: n1 leads
}

// The whole life of a program: it runs until it is asked to end, and closes its node in good order.
func ExampleRun() {
	dir, end := place()
	defer end()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := node.Run(ctx, node.Config{Name: "n1", Data: dir, Listen: "127.0.0.1:0", HTTP: "off",
		OnLeader: func(ctx context.Context, n *node.Node, term uint64) {
			fmt.Println(n.Name(), "leads")
			stop() // what this example has to do is done
			<-ctx.Done()
		}})
	fmt.Println(err)
	// Output:
	// n1 leads
	// <nil>
}

// What only the leader may write is written behind a guard: it is refused once the leadership is over.
func ExampleNode_Term() {
	ctx := context.Background()
	dir, end := place()
	defer end()
	n, err := node.Open(ctx, node.Config{Name: "n1", Data: dir, Listen: "127.0.0.1:0", HTTP: "off"})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	term, ok := n.Term()
	for ; !ok; term, ok = n.Term() {
		time.Sleep(10 * time.Millisecond)
	}
	write := []caucus.Command{{"SET", "leader", n.Name()}}
	_, err = n.Client().Transact(ctx, write, client.GuardTerm("nodes", term))
	fmt.Println(err)
	_, err = n.Client().Transact(ctx, write, client.GuardTerm("nodes", term-1))
	fmt.Println(errors.Is(err, client.ErrFenced))
	// Output:
	// <nil>
	// true
}

// A file of QCluster's is enough. With three of them, in which each lists the others, one of three leads.
func ExampleReadConfig() {
	dir, end := place()
	defer end()
	file := filepath.Join(dir, "server_a.json")
	text := `{"identifier": "server_a", "listen_host": "localhost", "listen_port": 7001, "peers": [],
		"metadata": {"server_port": 8001}, "http": "off", "data": "` + filepath.Join(dir, "a") + `"}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	cfg, err := node.ReadConfig(file)
	if err != nil {
		log.Fatal(err)
	}
	n, err := node.Open(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	leader, ok := n.Leader()
	for ; !ok; leader, ok = n.Leader() {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println(leader.Name, leader.Port(), leader.Metadata)
	// Output: server_a 7001 {"server_port":8001}
}
