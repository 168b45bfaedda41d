package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"sync"
	"syscall"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/respd"
	"github.com/caucus-project/caucus/internal/waist"
)

// The process that a node lives in comes in by a door of its own, over pipes in memory, and speaks as every
// client does. So what holds for clients holds for it, and package client has one way to work. A pipe holds
// nothing back as a socket's buffers do: who does not read makes the node wait, which cuts him as it cuts
// others, by the backlog of what is published to him and by the time that he takes nothing.

// Client gives a client that speaks to this node inside the process, without a socket, a password or a place
// among MaxClients. Whatever package client does works over it: commands, sessions, groups, locks, events.
// It knows this node only. While the node cannot serve (it has lost the majority, its disk hangs), calls
// wait and fail as they do elsewhere; sessions live on at the ensemble for their TTL, and go on when the
// node does.
//
// It is the node's: Close closes it, and its sessions are over then.
func (n *Node) Client() *client.Client { return n.program }

// Do carries out one command as Client does, so that a Node is a caucus.Doer. It fails with
// caucus.ErrTryAgain when the command was not carried out for certain, with caucus.ErrUncertain when nobody
// knows, and otherwise with what the ensemble answered. Without a deadline it takes RequestTimeout at most,
// and either way up to 250 ms more for an answer that is under way.
// Calls that are made meanwhile go together, so they are not in order. Commands that belong to one connection
// (MULTI, SUBSCRIBE, SESSION OPEN, ...) are refused: Client has calls for sessions, groups and events.
func (n *Node) Do(ctx context.Context, cmd caucus.Command) (caucus.Reply, error) {
	return n.program.Do(ctx, cmd)
}

// Propose is Do with the words of the command as arguments.
func (n *Node) Propose(ctx context.Context, words ...string) (caucus.Reply, error) {
	return n.Do(ctx, words)
}

var _ caucus.Doer = (*Node)(nil)

// inner is a door for this process. It is a listener whose connections are pipes.
type inner struct {
	door  *respd.Server
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
}

// newInner makes a door to a server, for arguments of so many bytes. Too many cannot come: whoever comes is
// ourselves.
func newInner(s waist.Server, table *command.Table, argument int, log *slog.Logger) *inner {
	return &inner{conns: make(chan net.Conn), over: make(chan struct{}),
		door: respd.New(respd.Config{Server: s, Table: table, Log: log, MaxClients: math.MaxInt,
			Limits: resp.Limits{Bulk: argument}})}
}

// dial opens a connection. There is nowhere to go but here, so the address says nothing.
func (d *inner) dial(ctx context.Context, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	why := error(errStopping)
	select {
	case d.conns <- piped{there}:
		return here, nil
	case <-d.over:
	case <-ctx.Done():
		why = context.Cause(ctx)
	}
	return nil, errors.Join(why, here.Close(), there.Close())
}

// Accept waits for the next connection.
func (d *inner) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.over:
		return nil, net.ErrClosed
	}
}

// Close lets nobody in any more.
func (d *inner) Close() error {
	d.once.Do(func() { close(d.over) })
	return nil
}

// Addr gives no address at which anybody could come.
func (d *inner) Addr() net.Addr { return inMemory }

// inMemory is where both ends of a pipe are: on this machine, like those of a Unix socket.
var inMemory = &net.UnixAddr{Name: "in-process", Net: "unix"}

// piped is the node's end of a pipe.
type piped struct{ net.Conn }

func (piped) RemoteAddr() net.Addr { return inMemory }
func (piped) LocalAddr() net.Addr  { return inMemory }

// Write names the other end's closing as a socket does, so that it counts as a loss (SAFETY A4).
func (p piped) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	if errors.Is(err, io.ErrClosedPipe) {
		err = syscall.EPIPE
	}
	return n, err
}

// insider is the node as its own process meets it: served until the doors close, also while the node stops,
// so that what is under way can end well. Own says that it is the node itself who speaks.
type insider struct {
	server
	own bool
}

// Open begins a conversation.
func (i insider) Open(info waist.ConnInfo) (waist.Conn, error) {
	info.Inside, info.Node = true, i.own
	return i.letIn(info)
}

// openInside makes two clients, that of the program and that of the node itself, so that neither waits
// for what the other asks.
func (n *Node) openInside(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(n.ctx, func() { cancel(context.Cause(n.ctx)) })()
	if n.program, err = n.dialInside(ctx, n.doors.program); err == nil {
		n.self, err = n.dialInside(ctx, n.doors.own)
	}
	return err
}

func (n *Node) dialInside(ctx context.Context, door *inner) (*client.Client, error) {
	return client.Dial(ctx, client.Config{Addrs: []string{n.me.Client}, AddrsOnly: true,
		Timeout: n.cfg.RequestTimeout, DialContext: door.dial})
}
