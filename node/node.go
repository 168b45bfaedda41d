package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/metrics"
	"github.com/caucus-project/caucus/internal/peer"
	"github.com/caucus-project/caucus/internal/post"
	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/users"
)

// Version is the version of caucus that this package is part of.
const Version = "0.1.0"

// Node is a running node. Its methods may be called from any goroutine.
type Node struct {
	cfg  Config
	log  *slog.Logger
	me   machine.Node // as announced at this start
	pace pace         // of the ensemble, once the node belongs to one
	commands
	hub       *feed.Hub
	news      news
	keyEvents keyEvents
	budget    *resp.Budget // of what clients hold
	post      postRoom
	doors     doors
	meter     *metrics.Metrics
	locals    map[string]local // who answers the commands that concern this node alone
	ls        listeners
	certs     *certs.Keeper              // nil: no TLS
	secure    map[string]*certs.Listener // the doors that speak TLS, by name

	lock  io.Closer
	store *raftlog.Log
	disk  *disk
	peers *peer.Transport
	owner *owner

	current  atomic.Pointer[owner]  // nil until the replica runs
	counted  atomic.Bool            // it has its id, and this start is counted: peers may know it
	greeting atomic.Pointer[status] // what this node says of itself, as of the last step
	conns    atomic.Uint64          // numbers of connections
	dump     *machine.Dump          // what a new ensemble begins with; nil: nothing, or it has begun
	dumping  sync.Mutex             // held while a dump is written to disk
	nodes    atomic.Pointer[[]machine.Node]
	former   atomic.Pointer[former]
	book     book
	era      atomic.Pointer[era] // what waits reads again when it ends
	ahead    atomic.Int64        // of the ensemble's clock before the monotonic one, microseconds
	master   uint64              // who led last, as clients of Sentinel were told; of the owner alone
	waiting  atomic.Int64        // commands that wait for their answer (BLOCK, WAIT)
	flights  *flights            // pipelines that are under way
	shares   *shares             // of each in what goes at once
	turns    turns               // those of them that wait in line
	tables   bell                // rings when the digests of all nodes were compared
	assembly *assembly
	gate     *gate
	users    atomic.Pointer[users.Book] // as they are in the state
	logins   *logins
	rates    *rates
	denials  denials

	program *client.Client     // of the process that the node lives in
	self    *client.Client     // of the node itself
	seat    *seat              // its place in the group of the nodes
	voice   *voice             // tells the program how it stands
	leave   context.CancelFunc // has it leave that; nil before it took part
	part    sync.WaitGroup     // what runs until then

	ctx     context.Context // ends when the node stops
	cancel  context.CancelCauseFunc
	running sync.WaitGroup
	once    sync.Once
	opened  chan struct{} // closed when all is set going, or will never be
	done    chan struct{}
	err     error // why the node stopped by itself, set before done is closed
}

// errStopped is the cause of a stop that was asked for.
var errStopped = errors.New("the node was asked to stop")

// Open starts a node and returns when it serves clients. In a new directory it founds an ensemble, alone or
// together with those whom Config names, or joins the one that they belong to, for as long as ctx allows; in
// a known directory it goes on where it stopped. Ctx is for the opening alone: its end later does nothing to
// the node, which Close stops. To serve is to answer clients, with TRYAGAIN if need be: in a known directory
// no majority is waited for, so that Open may return while the others are still away, and commands wait.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	known, err := withCommands(cfg.Commands)
	if err != nil {
		return nil, err
	}
	return newNode(cfg.withoutSelf(), known).begin(ctx)
}

func newNode(cfg Config, known commands) *Node {
	n := &Node{cfg: cfg, log: cfg.Logger, commands: known, opened: make(chan struct{}),
		done: make(chan struct{}), shares: newShares(runtime.GOMAXPROCS(0)),
		assembly: newAssembly(), gate: newGate(), seat: newSeat(), voice: newVoice(), flights: newFlights(),
		budget: resp.NewBudget(cfg.MaxClientMemory), logins: newLogins(), rates: newRates(cfg.MaxUserRate)}
	n.era.Store(newEra())
	n.locals = n.answers()
	n.meter = metrics.New(n.readings, n.log)
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	n.hub = feed.New(feed.Limits{Hard: cfg.MaxClientBacklog, Budget: n.budget}, now)
	n.keyEvents.hub, n.post.post = n.hub, post.New(n.sendable)
	n.news.hub = feed.New(feed.Limits{Budget: n.budget}, now)
	n.greeting.Store(&status{})
	n.nodes.Store(&[]machine.Node{})
	n.former.Store(&former{})
	return n
}

func (n *Node) begin(ctx context.Context) (*Node, error) {
	err := n.open(ctx)
	if err == nil {
		err = n.served(ctx)
	}
	if err == nil {
		err = n.openInside(ctx)
	}
	if err == nil {
		n.takePart()
	}
	close(n.opened)
	if err != nil {
		return nil, cmp.Or(n.Close(), err)
	}
	return n, nil
}

// open goes from the directory outward. The doors stand open early, but answer only LOADING until what is on
// disk is read and right, so that nobody waits at them without a word.
func (n *Node) open(ctx context.Context) error {
	if err := n.readDump(); err != nil {
		return err
	}
	home, err := n.enter()
	if err == nil {
		err = n.mayBeginWith(home)
	}
	if err != nil {
		return err
	}
	if err := n.openTLS(); err != nil {
		return err
	}
	if n.ls, err = n.cfg.listen(); err != nil {
		return err
	}
	n.secureDoors()
	if home.Boots == 0 && len(n.cfg.list()) > 0 { // new, and to be known by its incarnation from here on
		if err := datadir.Write(vfs.OS{}, n.cfg.Data, home); err != nil {
			return err
		}
	}
	n.describe(home)
	n.openBook(home)
	n.assembly.member = n.statement(home)
	if err := n.openPeers(home); err != nil {
		return err
	}
	n.openDoors()
	if home.RaftID == 0 {
		if home, err = n.belong(ctx, home); err != nil {
			return err
		}
	} else if err := n.cfg.rhythm().differs(paceOf(home)); err != nil {
		return n.describeError(err)
	}
	found, home, err := n.recover(home)
	if err != nil {
		return err
	}
	n.me.ID, n.me.Boots = home.RaftID, home.Boots
	n.pace = paceOf(home)
	n.counted.Store(true)
	if err := n.peers.SetIdentity(n.identity(home)); err != nil {
		return err
	}
	n.log.Info("started", "name", n.me.Name, "ensemble", home.Cluster, "id", home.RaftID, "boots", home.Boots,
		"boot", formatID(n.me.Boot), "client", n.me.Client, "peer", n.me.Peer, "http", n.me.HTTP)
	n.running.Go(func() { n.keepBook(home) })
	return n.start(found)
}

// start sets the replica going. From here on the doors serve.
func (n *Node) start(found replica.Restored) error {
	r, err := replica.Open(replica.Config{
		Node: n.me, Seed: randomSeed(),
		Heartbeat: n.pace.heartbeat.Microseconds(), Election: n.pace.election.Microseconds(),
		SnapshotEntries: n.cfg.SnapshotEntries, DigestEntries: n.cfg.DigestEntries, Publish: n.publish,
		Send: n.send,
	}, found, n.cfg.clock())
	if err != nil {
		return err
	}
	if len(found.State.Nodes()) > 0 {
		n.meet(found.State)
	}
	n.disk = newDisk(n)
	n.owner = newOwner(n, r)
	n.current.Store(n.owner)
	n.revise(found.State.Users())
	n.gate.look(r)
	n.running.Go(n.disk.run)
	n.running.Go(n.owner.run)
	n.running.Go(func() { n.flights.run(n.owner) })
	n.running.Go(n.watchSpace)
	if len(n.cfg.list()) > 0 {
		n.running.Go(n.seek)
	}
	return nil
}

// describe makes this node's record, but for what joining and recovering add.
func (n *Node) describe(home datadir.Identity) {
	n.me = machine.Node{Name: home.Node, Incarnation: parseID(home.Incarnation),
		Metadata: n.cfg.Metadata, Version: Version, Level: machine.Supported, Boot: randomID()}
	n.me.Client, n.me.Peer, n.me.HTTP = n.cfg.addresses(n.ls)
	known := n.me
	known.ID = home.RaftID
	n.nodes.Store(&[]machine.Node{known})
}

// Addresses gives where the doors are, as host:port; empty for a door that is closed.
func (n *Node) Addresses() (client, peers, http string) { return n.me.Client, n.me.Peer, n.me.HTTP }

// Name gives the node's name.
func (n *Node) Name() string { return n.me.Name }

// Done is closed when the node has stopped, asked or not.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err says why the node stopped by itself: a failed disk, a log that this version cannot read. Nil
// while it runs and after Close.
func (n *Node) Err() error {
	select {
	case <-n.done:
		return n.err
	default:
		return nil
	}
}

// Close stops the node: OnLeader's context ends and it returns, another node leads, no new requests are
// taken, those in flight are answered, then everything is closed. It waits for all of it, for the functions
// of Config without limit; the others do not wait for an OnLeader that stays, but lead after 2 s. It is safe
// to call more than once, and gives the reason when the node had stopped by itself.
func (n *Node) Close() error {
	n.fail(errStopped)
	<-n.done
	return n.err
}

// fail stops the node, once all of it is there to be stopped: a peer may turn it away while it still starts.
func (n *Node) fail(why error) {
	n.once.Do(func() {
		if !errors.Is(why, errStopped) {
			n.err = why
			n.log.Error("the node stops", "error", why)
		}
		n.cancel(why)
		go func() {
			<-n.opened
			n.shut()
			n.log.Info("stopped")
			close(n.done)
		}()
	})
}

// shut closes what was opened, from the doors inward. A node that failed answers nothing more, so
// that nobody is kept waiting for it.
func (n *Node) shut() {
	if n.owner != nil && errors.Is(context.Cause(n.ctx), errStopped) {
		n.retire()
		if n.reachesMajority() {
			n.handOver()
		}
	} else if n.owner != nil {
		n.owner.stop()
		n.retire()
	}
	n.cancel(errStopped)
	n.doors.close()
	for _, c := range []*client.Client{n.program, n.self} {
		if c != nil {
			_ = c.Close() // it has no error to give
		}
	}
	if n.owner != nil {
		n.owner.stop()
	}
	if n.peers != nil {
		n.peers.Close()
	}
	n.ls.close()
	if n.disk != nil {
		n.disk.stop()
	}
	n.running.Wait()
	for _, c := range []io.Closer{closerOf(n.store), n.lock} {
		if c == nil {
			continue
		}
		if err := c.Close(); err != nil {
			n.log.Warn("closing the data directory", "error", err)
		}
	}
}

// handOver lets another voter lead, if this node does, so that nobody has to find out that it is
// gone. What is in flight goes to the new leader. It takes no longer than a second.
func (n *Node) handOver() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for asked := false; ; asked = true {
		leads := false
		n.owner.inspect(func(r *replica.Replica) {
			leads = !asked && r.HandOver(n.cfg.clock()) || asked && r.Leads()
		})
		select {
		case <-ctx.Done():
			leads = false
		case <-time.After(2 * time.Millisecond):
		}
		if !leads {
			return
		}
	}
}

func closerOf(l *raftlog.Log) io.Closer {
	if l == nil {
		return nil
	}
	return l
}

// describeError adds where the data are to an error about them.
func (n *Node) describeError(err error) error {
	return fmt.Errorf("data directory %s: %w", n.cfg.Data, err)
}
