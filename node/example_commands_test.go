package node_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/node"
)

// transfer moves an amount from one account to another: both change or neither does.
var transfer = node.Command{
	Name: "bank.transfer", Writes: true, Least: 3, Most: 3,
	Usage: "from to amount", Summary: "Moves an amount from one account to another",
	Run: func(tx *node.Tx, args []string) caucus.Reply {
		from, to, amount := args[0], args[1], args[2]
		if n, err := strconv.Atoi(amount); err != nil || n <= 0 {
			return caucus.Fail(caucus.ErrBad, "'%s' is no amount", amount)
		}
		left := tx.Do("DECRBY", from, amount)
		if left.Err() != nil {
			return left
		}
		if left.Int < 0 { // an error takes back what was done so far
			return caucus.Fail(caucus.ErrConflict, "'%s' lacks %d", from, -left.Int)
		}
		return tx.Do("INCRBY", to, amount)
	},
}

// A command of one's own works from redis-cli and every other client, too, on any node:
//
//	$ redis-cli -p 5010 bank.transfer alice bob 70
//	(integer) 70
func ExampleCommand() {
	dir, err := os.MkdirTemp("", "caucus")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	n, err := node.Open(ctx, node.Config{Data: dir, Listen: "127.0.0.1:0", HTTP: "off",
		Commands: []node.Command{transfer}})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()

	n.Propose(ctx, "SET", "alice", "100")
	for range 2 {
		reply, err := n.Propose(ctx, "bank.transfer", "alice", "bob", "70")
		fmt.Println(reply.Int, err)
	}
	reply, _ := n.Propose(ctx, "MGET", "alice", "bob")
	fmt.Println(reply.Items[0].Str, reply.Items[1].Str)
	// Output:
	// 70 <nil>
	// 0 CONFLICT 'alice' lacks 40
	// 30 70
}
