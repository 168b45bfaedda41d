package node

import (
	"context"
	"net"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
)

// OpenAt opens a node that reads the given clock.
func OpenAt(ctx context.Context, cfg Config, clock func() replica.Time) (*Node, error) {
	cfg.clock, cfg.apart = clock, true // what a client does goes by the computer's clocks
	return Open(ctx, cfg)
}

// Heard is where a log goes that calls Then when a line has the words.
type Heard struct {
	Words string
	Then  func()
}

func (h Heard) Write(line []byte) (int, error) {
	if strings.Contains(string(line), h.Words) {
		h.Then()
	}
	return len(line), nil
}

// KeepApart has the node stay out of the group of the nodes.
func (c *Config) KeepApart() { c.apart = true }

// Step lets the node look at its clock, and gives the index up to which it has applied the log by then.
func (n *Node) Step() (applied uint64) {
	n.owner.inspect(func(r *replica.Replica) { applied = r.Status().Applied })
	return applied
}

// Connections gives how many clients are connected.
func (n *Node) Connections() int { return int(n.doors.stats().Clients) }

// DumpWithin is GETDUMP with another limit.
func (n *Node) DumpWithin(most int) caucus.Reply {
	var view *machine.View
	n.owner.inspect(func(r *replica.Replica) { view = r.State().View() })
	return dumpReply(view, most)
}

// OpenOn opens a node whose log is on the given disk.
func OpenOn(ctx context.Context, cfg Config, disk vfs.FS) (*Node, error) {
	cfg.files = disk
	return Open(ctx, cfg)
}

// Waiting gives how many commands wait for their answer.
func (n *Node) Waiting() int { return int(n.waiting.Load()) }

// Pipe opens a bare connection as Client does.
func (n *Node) Pipe(ctx context.Context) (net.Conn, error) { return n.doors.program.dial(ctx, "") }

// bareNode makes a node that is not opened.
func bareNode(cfg Config) *Node {
	known, err := withCommands(cfg.Commands)
	if err != nil {
		panic(err)
	}
	return newNode(cfg.withDefaults(), known)
}

// ParseListFile reads the text of a QCluster file.
func ParseListFile(text []byte) (ListFile, error) { return parseListFile(text) }

// ReachesMajority says whether the node may hope for an answer of the ensemble.
func (n *Node) ReachesMajority() bool { return n.reachesMajority() }
