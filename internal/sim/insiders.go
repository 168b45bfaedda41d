package sim

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// insider is a node as a member of the group of the nodes, by a client of its own inside its process
// (SAFETY A6). It dies, stands still and is cut off with its node, and has the node's clock.
type insider struct {
	n      *node
	life   int // of the node
	conn   *conn
	id     string // of its session, "" while it has none
	joined bool
	lease  lease.Lease
	busy   bool  // a request is under way
	again  int64 // when it may try again what failed, by its monotonic clock
	timer  int64 // true time of the next look, 0 for none
}

// What a node's session lives by (SAFETY A6), milliseconds.
const (
	insideTTL   = 2000
	insideGrace = 250
)

var leadsNodes = lease.Key{Group: machine.NodesGroup, Kind: lease.Leadership}

// enter begins the node's membership, as each of its processes does.
func (n *node) enter() {
	in := &insider{n: n, life: n.life}
	in.conn = n.w.converse(n, in)
	n.inside = in
	in.sleep(n.w.between(0, 20*millisecond))
}

// quit is the end of the process, membership and all.
func (n *node) quit() {
	if n.inside != nil {
		n.inside.conn.nodeOpen, n.inside.conn.clientOpen = false, false
		n.inside = nil
	}
}

func (in *insider) vouches() bool { return false }

// lost cannot be: both ends of the connection are in one process.
func (in *insider) lost(*conn) { in.n.w.fail("%s lost the connection to itself", in.n.name) }

// input lets the client do something when its process runs.
func (in *insider) input(do func()) {
	in.n.input(func(replica.Time) {
		if in.n.life == in.life {
			in.n.w.checks.stirred = true
			do()
		}
	})
}

// sleep looks again after d of the node's clock, or sooner.
func (in *insider) sleep(d int64) {
	w := in.n.w
	at := w.now + max(1, d)
	if in.timer > w.now && in.timer <= at {
		return
	}
	in.timer = at
	w.at(at, func() {
		if in.timer == at && in.n.life == in.life {
			in.timer = 0
			in.input(in.next)
		}
	})
}

// next does what is to be done now, or sees to it that it looks again in time.
func (in *insider) next() {
	if in.busy {
		return
	}
	wait := in.again - in.n.clock.mono()
	switch {
	case wait > 0:
	case in.id == "":
		in.ask("SESSION", "OPEN", "TTL", number(insideTTL), "GRACE", number(insideGrace))
	case !in.joined:
		in.ask("GROUP", "JOIN", machine.NodesGroup, "AS", in.n.name, "SETTLE", "0")
	default:
		if wait = in.lease.NextHeartbeat(in.n.clock.reading()); wait == 0 {
			in.keepAlive()
		}
	}
	if !in.busy {
		in.sleep(wait)
	}
}

func (in *insider) ask(words ...string) {
	in.busy = true
	in.conn.request(&request{cmds: []caucus.Command{words}})
}

// keepAlive sends a heartbeat and asks who leads.
func (in *insider) keepAlive() {
	in.busy = true
	asked := in.lease.Heartbeat(in.n.clock.reading())
	in.conn.request(&request{asked: asked, cmds: []caucus.Command{{"SESSION", "KEEPALIVE"},
		{"GROUP", "LEADER", machine.NodesGroup}}})
}

func (in *insider) answered(_ *conn, r *request) {
	in.input(func() {
		in.busy = false
		in.took(r)
		in.next()
	})
}

// took takes the answer to whatever was asked.
func (in *insider) took(r *request) {
	n, answer := in.n, r.replies[0]
	switch {
	case answer.Kind == caucus.KindError:
		in.failed(answer)
	case r.cmds[0][1] == "OPEN":
		in.id, in.joined, in.lease = answer.Str, false, lease.Lease{}
	case r.cmds[0][1] == "JOIN":
		in.joined = true
		n.w.note(n.name, "joins the nodes")
		n.w.checks.count("nodes in their group")
	default:
		in.lease.Promise(r.asked, answer.Items[0].Int, uint64(answer.Items[2].Int))
		in.leads(r)
	}
}

// leads begins a belief, if it is this node that leads.
func (in *insider) leads(r *request) {
	leader := r.replies[1]
	if len(leader.Items) != 3 || leader.Items[0].Str != in.n.name {
		return
	}
	if in.lease.Grant(r.asked, leadsNodes, lease.Value{Token: uint64(leader.Items[1].Int)}) {
		in.n.w.checks.believed(in.believer(), "term", leadsNodes)
		in.n.w.note(in.n.name, "leads the nodes", uint64(leader.Items[1].Int))
		in.n.w.checks.count("leaderships of the nodes")
	}
}

func (in *insider) believer() believer {
	return believer{in.n.w, in.n.name, &in.lease, &in.n.clock}
}

// failed prepares for what comes of an error: a session that is over is opened anew, all else is tried
// again.
func (in *insider) failed(r caucus.Reply) {
	w := in.n.w
	switch caucus.ParseError(r.Str).Word {
	case caucus.ErrTryAgain.Word, caucus.ErrUncertain.Word, caucus.ErrConflict.Word, caucus.ErrNoSpace.Word:
	case caucus.ErrNoSession.Word:
		in.lease.End()
		in.id, in.joined = "", false
	default:
		w.fail("%s, of the nodes' group, was answered %q", in.n.name, r.Str)
	}
	w.note(in.n.name, r.Str)
	in.again = in.n.clock.mono() + w.between(5*millisecond, 60*millisecond)
}

// first gives the node that believes that it leads the nodes, nil when none does. Two never do (SAFETY
// A6).
func (w *World) first() (lead *node) {
	for _, n := range w.nodes {
		if n.inside == nil || !n.inside.lease.Believes(leadsNodes, n.clock.reading()) {
			continue
		}
		if lead != nil {
			w.fail("SAFETY A6: %s and %s both believe that they lead the nodes", lead.name, n.name)
		}
		lead = n
	}
	return lead
}

// unrestOfInsiders says which node is not in its group, or that nobody leads it.
func (w *World) unrestOfInsiders() string {
	if !w.plan.insiders {
		return ""
	}
	for _, n := range w.nodes {
		if n.inside == nil || !n.inside.joined {
			return n.name + " is not in the group of the nodes"
		}
	}
	if w.first() == nil {
		return "no node leads"
	}
	return ""
}

// How long it may take until another node leads after the one that did has died.
const (
	// its GRACE, an election and two heartbeats
	followedWithin = 600 * millisecond
	// if it led the log as well: the silence of that leader
	backWithin = followedWithin + second
	// when nobody could see it die: its TTL and a quarter of it
	goneWithin = backWithin + 2500*millisecond
)

// steady is after how long a leader has held, so that the search for the next begins anew (SAFETY A7).
const steady = second

// succession sees that the node which leads is followed when it dies, while the others are a quorum
// (SAFETY A6).
func (w *World) succession() {
	w.runUntil(w.now+steady, func() bool { return false })
	dead := w.first()
	if w.failed != nil || dead == nil || len(w.nodes) < 3 {
		return
	}
	within := int64(followedWithin)
	switch w.rng.IntN(4) {
	case 0: // its host is gone
		dead.stop(true, true)
		within = goneWithin
	case 1: // it is back before anybody has noticed
		dead.stop(true, true)
		dead.start()
		within = backWithin
	default:
		dead.stop(true, false)
	}
	if !w.runUntil(w.now+within, func() bool { return w.first() != nil }) && w.failed == nil {
		w.fail("SAFETY A6: %s led the nodes and died, and nobody leads %s s later", dead.name, clockText(within))
	}
	w.checks.count("successions")
}
