package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/resp"
)

// Config says who a node is and where it lives. The zero value of every field but Data is usable.
type Config struct {
	// Name is the node's name, unique in the ensemble: 1 to 255 letters, digits and "._-:/@". Empty: the
	// client address.
	Name string
	// Data is the directory that the node lives in. It is made when missing. Required. A first Open that
	// named others and failed leaves it marked as theirs: go on with the same Join or Peers, or remove it.
	Data string
	// Listen, PeerListen and HTTP are the addresses of the doors, host:port. Empty: 127.0.0.1:5010;
	// the port after the client's; 127.0.0.1:8989, or a free port when that is taken. Port 0 takes a
	// free one. HTTP "off": none.
	Listen, PeerListen, HTTP string
	// Advertise is the host at which clients and peers reach this node, when it is not what it listens on. As
	// host:port it also gives the client door's port there, after which comes the peer door's. It is required
	// when others may come (Password or TLS is set) and a door listens on all addresses.
	Advertise string
	// Join gives client addresses of nodes of the ensemble to join; any one that answers is enough. When this
	// node's own is among them they are a list of those who found together, like Peers. Without it this node
	// founds nothing, and waits for as long as none of them does. It counts only while the directory is new.
	// Empty, and no Peers: found an ensemble of one.
	Join []string
	// From names a dump (of CHECKPOINT name or GETDUMP) that a new ensemble begins with. The directory
	// must be new, and there can be nobody to join. Empty: it begins with nothing.
	From string
	// Peers are the other nodes that found an ensemble together with this one, or belong to it: nothing
	// is founded before every one of them was heard, one that belongs to an ensemble is joined, and
	// nobody is served before a majority of all votes. An entry of this node itself is passed over. They
	// count only while the directory is new, and as hints where the ensemble is now. Not together with
	// Join.
	Peers []Peer
	// OneList says that all nodes were given the same Peers, as from one file, so that a difference is an
	// error and not a reason to wait.
	OneList bool
	// FoundWithout names Peers, by name or address, for whom founding does not wait when they are silent.
	FoundWithout []string
	// Metadata is shown to all peers; JSON by convention, 64 KiB at most.
	Metadata string
	// Password is what clients and peers must prove to know. Empty: only loopback is served, and who has
	// shown a certificate (TLS).
	Password string
	// TLS has all doors speak TLS. The zero value: none does.
	TLS TLS
	// BlocTimeout is the TTL of bloc's clients, who come over HTTP: 4 s.
	BlocTimeout time.Duration
	// Settle is the settle period of groups for which nobody states one: 6 s. Negative: none.
	Settle time.Duration
	// RequestTimeout bounds every request that does not say how long it waits: 5 s.
	RequestTimeout time.Duration
	// Heartbeat and Election are the leader's rhythm and how long its silence is borne at least: 50 and
	// 400 ms. They are the ensemble's (SAFETY C14): who founds one decides, and what another node states must
	// be the same. Zero is not stated.
	Heartbeat, Election time.Duration
	// SnapshotEntries says after how many log entries a snapshot is written: 100,000.
	SnapshotEntries uint64
	// DigestEntries says after how many log entries the nodes compare digests of their states:
	// 1,000,000. They do so every ten minutes in any case.
	DigestEntries uint64
	// Commands are the program's own, beside those that are built in. All nodes must have the same.
	Commands []Command
	// MaxClients bounds the client connections: 10,000.
	MaxClients int
	// MaxSubscriptions bounds the channels and patterns that one connection listens to: 10,000.
	MaxSubscriptions int
	// MaxUserRate bounds how many commands a user may ask this node for in a second, over all his connections; a
	// second's worth may come at once. What is beyond is answered TRYAGAIN. 0: there is no bound.
	MaxUserRate int
	// MaxClientMemory, in bytes, bounds what all connections together hold of requests that are coming, and of
	// answers and messages that were not taken, beyond 64 KiB each: 1 GiB, at least 16 MiB. Who needs more than
	// is left is answered OOM, and its connection is closed; for a message the subscriber is cut who is furthest
	// behind.
	MaxClientMemory int64
	// MaxClientBacklog, in bytes, bounds the messages that wait for one subscriber, also of events and of keys
	// that have changed: who lets more wait is cut at once, and so is who lets a quarter of it wait for a
	// minute. A message that is larger by itself cuts whom it is for. 32 MiB, at least 1 MiB.
	MaxClientBacklog int
	// MaxArgument bounds one argument of a command, so also a value that is sent as one, in bytes: 8 MiB; at
	// least 1 KiB and at most 32 MiB, since commands travel between nodes as a whole. What is larger is
	// refused and the connection goes on.
	MaxArgument int
	// MaxMemory, in bytes, is the ensemble's limit on keys and their values, above which what grows is
	// refused. A node for which it is stated sets it once it has started, as CONFIG SET maxmemory does. 0 is
	// not stated.
	MaxMemory int64
	// OnStart is called when the node serves, before Open returns and before it can lead.
	OnStart func(n *Node)
	// OnLeader does what only the leader does (IsLeader says what that is). Ctx ends when the leadership
	// does, and then it must return: no other node leads before it has, but no longer than a promise
	// lasts. When the leadership was taken away, or this node was cut off, that is a quarter of a second; in
	// Close up to 2 s, the TTL of the node's session, and Close itself waits for its return without limit.
	// After that the others go on. If it returns earlier the node leads on, and it is called again when the
	// next leadership begins, or when this node had to stop believing in this one and may believe again: so
	// twice under one term, but never twice at a time. Term is the leadership's number, as of Term: with
	// client.GuardTerm("nodes", term) what is written too late is refused.
	OnLeader func(ctx context.Context, n *Node, term uint64)
	// OnFollower is called when another node leads: which one that is, or what is known of it, has changed.
	OnFollower func(n *Node, leader Peer)
	// OnCandidate is called when nobody is known to lead: first thing after the start, and when this node
	// lost the leader or the majority.
	OnCandidate func(n *Node)
	// OnShutdown is called once, when the node stops, asked to or not: after OnLeader has returned, and,
	// if it was asked to, while the node still serves and Do works.
	OnShutdown func(n *Node)
	// The functions above are called one at a time, so that each waits for the last to return; what was
	// over by then is not told. They may use n, but must not call Close, which waits for them. All may be
	// nil.

	// Tracer follows writes that it samples from this node to the leader and back, and those of other nodes
	// while this one leads. Module otel has one that tells OpenTelemetry of them. Nil: none is traced here.
	Tracer Tracer

	// Logger gets what an operator may want to read, such as slog.Default. Nil: nothing is logged.
	Logger *slog.Logger

	clock func() replica.Time    // read instead of the computer's clocks; nil but in tests
	free  func() (uint64, error) // gives the bytes free on the disk of Data; nil but in tests
	files vfs.FS                 // the disk of the log; nil but in tests
	now   func() time.Time       // by which certificates end; nil but in tests
	apart bool                   // the node stays out of the group of the nodes; false but in tests
}

func (c Config) withDefaults() Config {
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:5010")
	c.BlocTimeout = cmp.Or(c.BlocTimeout, 4*time.Second)
	c.Settle = cmp.Or(c.Settle, 6*time.Second)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, 5*time.Second)
	c.MaxClients = cmp.Or(c.MaxClients, 10_000)
	c.MaxSubscriptions = cmp.Or(c.MaxSubscriptions, 10_000)
	c.MaxClientMemory = cmp.Or(c.MaxClientMemory, 1<<30)
	c.MaxClientBacklog = cmp.Or(c.MaxClientBacklog, 32<<20)
	c.MaxArgument = cmp.Or(c.MaxArgument, resp.DefaultBulk)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.clock == nil {
		c.clock = clockTimes
	}
	if c.free == nil {
		c.free = func() (uint64, error) { return vfs.Free(c.Data) }
	}
	if c.files == nil {
		c.files = vfs.OS{}
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Data == "":
		return errors.New("node: Data is empty: name the directory that the node lives in")
	case c.Name != "" && !caucus.ValidMember(c.Name):
		return fmt.Errorf("node: the name %q, of Name (--id), is not 1 to 255 letters, digits and ._-:/@", c.Name)
	case c.From != "" && len(c.list()) > 0:
		return fmt.Errorf("node: From (--from) %s founds a new ensemble of this node alone, and Join or Peers "+
			"(--join, -e, --config) name others: leave one of them out; others can join once it runs", c.From)
	case len(c.Metadata) > caucus.MaxMetadata:
		return fmt.Errorf("node: %d bytes of metadata; at most %d", len(c.Metadata), caucus.MaxMetadata)
	case c.BlocTimeout < 100*time.Millisecond || c.BlocTimeout > 24*time.Hour:
		return fmt.Errorf("node: a bloc client may be silent for 100ms to 24h, not for %v", c.BlocTimeout)
	}
	if m := c.MaxClientMemory; m != 0 && m < leastClientMemory {
		return fmt.Errorf("node: MaxClientMemory (--max-client-memory) is %d bytes; it may be %d and more", m,
			leastClientMemory)
	}
	if b := c.MaxClientBacklog; b != 0 && b < leastClientBacklog {
		return fmt.Errorf("node: MaxClientBacklog (--max-client-backlog) is %d bytes; it may be %d and more", b,
			leastClientBacklog)
	}
	if c.MaxUserRate < 0 {
		return fmt.Errorf("node: MaxUserRate (--max-user-rate) is %d commands a second; it may be 0, for no "+
			"bound, and more", c.MaxUserRate)
	}
	if a := c.MaxArgument; a != 0 && (a < leastArgument || a > mostArgument) {
		return fmt.Errorf("node: MaxArgument (--proto-max-bulk-len) is %d bytes; it may be %d to %d", a,
			leastArgument, mostArgument)
	}
	for name, addr := range map[string]string{"Listen (--listen)": c.Listen,
		"PeerListen (--peer-listen)": c.PeerListen} {
		if _, _, err := net.SplitHostPort(addr); addr != "" && err != nil {
			return fmt.Errorf("node: %s %q is not host:port: %w", name, addr, err)
		}
	}
	for _, addr := range c.Join {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("node: the address to join (Join, --join), %q, is not host:port: %w", addr, err)
		}
	}
	if err := cmp.Or(c.validatePeers(), c.TLS.validate()); err != nil {
		return err
	}
	if err := c.rhythm().orUsual().validate(); err != nil {
		return err
	}
	if _, port, err := net.SplitHostPort(c.Advertise); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || n == 65535 {
			return fmt.Errorf("node: Advertise (--advertise) %q: the port is not from 1 to 65534", c.Advertise)
		}
	}
	return nil
}

// What MaxArgument may be: at least what names and log-ins take, at most half of what one command may be.
const (
	leastArgument = 1 << 10
	mostArgument  = resp.DefaultTotal / 2
)

// leastClientMemory has room for one command of the usual largest argument.
const leastClientMemory = 16 << 20

// leastClientBacklog has room for what comes while who keeps up writes out what came before.
const leastClientBacklog = 1 << 20

// settleMillis gives the default settle period as the machine counts it.
func (c Config) settleMillis() int64 { return max(0, c.Settle.Milliseconds()) }

// listeners opens the doors' sockets.
type listeners struct{ client, peer, http net.Listener }

func (c Config) listen() (ls listeners, err error) {
	defer func() {
		if err != nil {
			ls.close()
		}
	}()
	if ls.client, err = listenOn("client", c.Listen); err != nil {
		return ls, err
	}
	ls.peer, err = listenOn("peer", c.peerAddress(ls.client))
	if err != nil && len(c.Peers) > 0 && c.PeerListen == "" {
		host, _ := hostPort(c.Listen) // the others ask where it is
		ls.peer, err = listenOn("peer", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return ls, err
	}
	if err = c.reachable(ls); err != nil || c.HTTP == "off" {
		return ls, err
	}
	if ls.http, err = listenOn("HTTP", cmp.Or(c.HTTP, "127.0.0.1:8989")); err != nil && c.HTTP == "" {
		ls.http, err = listenOn("HTTP", "127.0.0.1:0")
	}
	return ls, err
}

// peerAddress gives where the peer door is: the port after the client's, unless another is stated or the list
// of peers has client doors there.
func (c Config) peerAddress(client net.Listener) string {
	if c.PeerListen != "" {
		return c.PeerListen
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	if _, port, _ := net.SplitHostPort(c.Listen); port == "0" {
		return net.JoinHostPort(host, "0")
	}
	port := client.Addr().(*net.TCPAddr).Port
	return net.JoinHostPort(host, strconv.Itoa(port+c.stride(port)))
}

func listenOn(door, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the %s door cannot listen on %s: %w%s", door, addr, err, advice(err))
	}
	return l, nil
}

func advice(err error) string {
	if errors.Is(err, syscall.EADDRINUSE) {
		return "; stop what uses the port, or choose another address"
	}
	return ""
}

func (ls listeners) close() {
	for _, l := range []net.Listener{ls.client, ls.peer, ls.http} {
		if l != nil {
			l.Close()
		}
	}
}

// addresses gives where others reach the doors; empty for a door that is closed.
func (c Config) addresses(ls listeners) (client, peer, http string) {
	port := 0
	if _, p, err := net.SplitHostPort(c.Advertise); err == nil {
		port, _ = strconv.Atoi(p) // validate has looked at it
	}
	client, peer = c.advertised(ls.client, port), c.advertised(ls.peer, port+min(port, 1))
	if ls.http != nil {
		http = c.advertised(ls.http, 0)
	}
	return client, peer, http
}

// advertised gives the address at which others reach a door, on that port unless it is 0.
func (c Config) advertised(l net.Listener, port int) string {
	own := l.Addr().(*net.TCPAddr)
	host := own.IP.String()
	if own.IP.IsUnspecified() && !c.admitsOthers() {
		host = "127.0.0.1" // only this machine is let in
	}
	if c.Advertise != "" {
		host = c.Advertise
		if h, _, err := net.SplitHostPort(c.Advertise); err == nil {
			host = h
		}
	}
	if port == 0 {
		port = own.Port
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// admitsOthers says whether others than this machine may come, before there are users with passwords.
func (c Config) admitsOthers() bool { return c.Password != "" || c.TLS.on() }

// reachable refuses addresses that would lead every other machine back to itself.
func (c Config) reachable(ls listeners) error {
	for _, l := range []net.Listener{ls.client, ls.peer} {
		if c.admitsOthers() && c.Advertise == "" && l.Addr().(*net.TCPAddr).IP.IsUnspecified() {
			return fmt.Errorf("node: it listens on all addresses (%s) and does not know at which of them "+
				"others reach it: say so with Advertise (--advertise HOST)", l.Addr())
		}
	}
	return nil
}
