package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/founding"
	"github.com/caucus-project/caucus/internal/peer"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// callFounding tells a listed node what this one says of itself, and asks what that one does.
const callFounding = 2

// claimWithin is how long a node that was told of nobody waits for some that know its address (SAFETY A12).
// Peers dial a lost one more often than that.
const claimWithin = 300 * time.Millisecond

// assembly is a node's roll call, shared by those who ask, those who answer, and the one who decides.
type assembly struct {
	mu     sync.Mutex
	roll   *founding.Roll     // nil: the node is a member, or was told of nobody
	member founding.Statement // what it says without a roll
	fault  error              // waiting would not mend it
	news   chan struct{}      // something was heard; holds one
	claims chan error         // a node of another ensemble called; holds one
}

func newAssembly() *assembly {
	return &assembly{news: make(chan struct{}, 1), claims: make(chan error, 1)}
}

// say gives what the node says of itself at this moment.
func (a *assembly) say() founding.Statement {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.roll == nil {
		return a.member
	}
	return a.roll.Say()
}

// with changes the roll, if it is still being called, and has it looked at.
func (a *assembly) with(change func(*founding.Roll)) {
	a.mu.Lock()
	if a.roll != nil {
		change(a.roll)
	}
	a.mu.Unlock()
	a.wake()
}

func (a *assembly) begin(roll *founding.Roll) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.roll = roll
}

func (a *assembly) wake() {
	select {
	case a.news <- struct{}{}:
	default:
	}
}

func (a *assembly) fail(err error) {
	a.mu.Lock()
	a.fault = cmp.Or(a.fault, err)
	a.mu.Unlock()
	a.wake()
}

func (a *assembly) decide() founding.Decision {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fault != nil {
		return founding.Decision{Action: founding.Fail, Err: a.fault}
	}
	return a.roll.Decide()
}

// settle says from now on that the node is a member.
func (a *assembly) settle(cluster [16]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.roll != nil {
		a.member, a.roll = a.roll.Say(), nil
	}
	a.member.State, a.member.Cluster = founding.Member, cluster
}

// statement is what this node says of itself before it has heard anybody.
func (n *Node) statement(home datadir.Identity) founding.Statement {
	s := founding.Statement{Name: n.me.Name, Addr: n.me.Client, Incarnation: n.me.Incarnation,
		State: founding.Fresh, Exact: n.cfg.OneList, Metadata: canonical(n.cfg.Metadata),
		List: n.cfg.list()}
	if home.RaftID != 0 {
		s.State, s.Cluster = founding.Member, parseID(home.Cluster)
	}
	return s
}

// belong makes a new node a member of an ensemble, which it founds or joins.
func (n *Node) belong(ctx context.Context, home datadir.Identity) (datadir.Identity, error) {
	if len(n.cfg.list()) == 0 {
		return n.establish(ctx, home, founding.Decision{Voters: 1, Metadata: n.cfg.Metadata})
	}
	roll, err := founding.New(n.assembly.say(),
		founding.Options{Listed: len(n.cfg.Peers) > 0, Without: n.cfg.FoundWithout})
	if err != nil {
		return home, err
	}
	n.assembly.begin(roll)
	asking, stop := context.WithCancel(ctx)
	var askers sync.WaitGroup
	defer askers.Wait()
	defer stop()
	for i, e := range n.cfg.list() {
		askers.Go(func() { n.askOn(asking, i, e.Addr) })
	}
	return n.convene(ctx, home)
}

// convene decides as often as something is heard, until the node is a member, and says now and then for whom
// it waits.
func (n *Node) convene(ctx context.Context, home datadir.Identity) (datadir.Identity, error) {
	word := time.NewTimer(joinWord / 2)
	defer word.Stop()
	again := time.NewTicker(joinEvery)
	defer again.Stop()
	var turned founding.Waiting // why it was not let in, which an attempt that its end cut off does not say
	for {
		d := n.assembly.decide()
		switch d.Action {
		case founding.Fail:
			n.spread(ctx)
			return home, d.Err
		case founding.Found:
			return n.establish(ctx, home, d)
		case founding.Join:
			joined, err := n.join(ctx, home, d)
			if err == nil || joined.RaftID != 0 || refusal(err) != nil {
				return joined, err
			}
			if turned.Why == "" || !isOver(ctx) {
				turned = founding.Waiting{For: d.Through, Why: err.Error()}
			}
			d.Waits = []founding.Waiting{turned}
		}
		select {
		case <-word.C:
			word.Reset(joinWord)
			n.sayWaits(d.Waits)
		case <-n.assembly.news:
			if d.Action != founding.Join {
				continue
			}
			<-again.C // whom it asked to be let in is not asked at every word
		case <-again.C:
		case <-ctx.Done():
			return home, fmt.Errorf("it belongs to no ensemble yet; it waited for %s: %w",
				inWords(d.Waits), context.Cause(ctx))
		}
	}
}

// spread lets the others hear once more what this node says of itself, before it ends: whoever it disagrees
// with is to learn that too, and not to wait for it.
func (n *Node) spread(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var all sync.WaitGroup
	for _, e := range n.cfg.list() {
		all.Go(func() { _, _ = n.askFounding(ctx, e.Addr) }) // who does not hear it may be down
	}
	all.Wait()
}

// sayWaits names in the log for whom this node waits, and why.
func (n *Node) sayWaits(waits []founding.Waiting) {
	text := "not joined yet; still trying"
	if len(n.cfg.Peers) > 0 {
		text = "nothing is founded yet; waiting"
	}
	why := inWords(waits)
	if own := n.me.Client; len(n.cfg.Peers) == 0 && !slices.Contains(n.cfg.Join, own) {
		why += "; to found together, put its own address, " + own + ", in Join (--join) too, or use Peers"
	}
	var names []string
	for _, w := range waits {
		names = append(names, w.For)
	}
	n.log.Warn(text, "for", strings.Join(names, ", "), "why", why)
}

func inWords(waits []founding.Waiting) string {
	words := make([]string, len(waits))
	for i, w := range waits {
		words[i] = w.For + " (" + w.Why + ")"
	}
	return strings.Join(words, "; ")
}

// askOn asks a listed node again and again what it says of itself.
func (n *Node) askOn(ctx context.Context, i int, addr string) {
	for ctx.Err() == nil {
		said, err := n.askFounding(ctx, addr)
		switch final := refusal(err); {
		case isOver(ctx):
			return // what was cut off says less than what was heard before
		case final != nil:
			n.assembly.fail(fmt.Errorf("asking %s: %w", addr, final))
		case err != nil:
			n.assembly.with(func(r *founding.Roll) { r.Silent(i, err.Error()) })
		default:
			n.assembly.with(func(r *founding.Roll) { r.Heard(i, said) })
		}
		select {
		case <-time.After(joinEvery):
		case <-ctx.Done():
		}
	}
}

// isOver says whether the time of ctx has passed, which a connection may know before ctx does.
func isOver(ctx context.Context) bool {
	at, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(at)
}

// askFounding asks at a client door where the peer door is, and there what the node says of itself. A fresh
// node names itself alone. For a member any other of its ensemble may answer, but nobody who belongs to none:
// at an address of theirs there may be a wiped node by now, this one among others.
func (n *Node) askFounding(ctx context.Context, addr string) (founding.Statement, error) {
	rows, err := n.askNodes(ctx, addr)
	if err != nil {
		return founding.Statement{}, err
	}
	err = errors.New("it does not say where its peer door is")
	for _, row := range rows {
		var answer []byte
		answer, err = n.peers.Call(ctx, row["peer"], callFounding, n.assembly.say().Append(nil))
		if err != nil {
			continue
		}
		said, unread := founding.ReadStatement(answer)
		switch fresh := len(rows) == 1 && row["id"] == "0"; {
		case unread != nil:
			err = unread
		case said.State == founding.Member || fresh && said.Name == row["name"]:
			return said, nil
		default:
			err = fmt.Errorf("at %s, where %s should be, %s answered, which belongs to no ensemble",
				row["peer"], row["name"], said.Name)
		}
	}
	return founding.Statement{}, err
}

// answerFounding answers such a question. Both are to learn that their lists differ, whichever asks first.
func (n *Node) answerFounding(payload []byte) ([]byte, error) {
	asker, err := founding.ReadStatement(payload)
	if err != nil {
		return nil, caucus.Errorf(caucus.ErrBad, "%s", err)
	}
	a := n.assembly
	a.mu.Lock()
	roll := a.roll
	if roll != nil {
		err = roll.Compare(asker)
	}
	a.mu.Unlock()
	if err != nil {
		a.fail(err)
	}
	return a.say().Append(nil), nil
}

// establish makes this node an ensemble of one. When it is of its own list alone, nodes of another ensemble
// may still know its address: then it was wiped, and is one of theirs.
func (n *Node) establish(
	ctx context.Context, home datadir.Identity, d founding.Decision,
) (datadir.Identity, error) {
	if d.Voters == 1 {
		select {
		case err := <-n.assembly.claims:
			return home, err
		case <-ctx.Done():
			return home, fmt.Errorf("nothing was founded: %w", context.Cause(ctx))
		case <-time.After(claimWithin):
		}
	}
	home.Cluster, home.RaftID = formatID(randomID()), 1
	n.cfg.rhythm().orUsual().keep(&home)
	if d.Voters > 1 {
		home.Quorum = uint64(d.Voters)
	}
	n.me.ID, n.me.Metadata = 1, d.Metadata
	if err := datadir.Write(vfs.OS{}, n.cfg.Data, home); err != nil {
		return home, err
	}
	n.assembly.settle(parseID(home.Cluster))
	n.log.Info("founded", "ensemble", home.Cluster, "voters needed", d.Voters)
	return home, nil
}

// Meant hears of nodes of another ensemble that take this node for one of theirs. While nobody but itself was
// ever in its ensemble, they are right: its directory was wiped, most likely (SAFETY A12). One that was
// recovered from the loss of others is not theirs any more.
func (d *peerDoor) Meant(by peer.Greeting, id uint64, name string) {
	n := (*Node)(d)
	err := fmt.Errorf("this address belongs to %s of ensemble %s, whose node %s called: "+
		"start it with --join %s (Join), and with an empty directory; or, if it is a new ensemble on purpose, "+
		"such as one restored from a backup, stop the nodes of the old one first",
		cmp.Or(name, fmt.Sprintf("node %d", id)), formatID(by.From.Cluster), by.From.Name, by.From.Addresses.Client)
	if n.ownerNow() == nil {
		select {
		case n.assembly.claims <- err:
		default:
		}
	} else if n.gate.why.Load() == nil && n.former.Load().next == 2 {
		n.fail(err)
	}
}

// Name gives what the node of that id is called, which its greeting bears.
func (d *peerDoor) Name(id uint64) string { return (*Node)(d).nameOf(id) }
