package node

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/overview"
	"github.com/caucus-project/caucus/internal/waist"
)

// callStatus asks a node for its overview.Witness, as JSON.
const callStatus = 4

// witnessPatience is how long the others may take to say how they are.
const witnessPatience = time.Second

// ensembleStatus answers ENSEMBLE STATUS: the nodes as they say themselves and as the leader knows them, and
// the groups as a quorum has them, or without one as this node has.
func (n *Node) ensembleStatus(context.Context, caucus.Command) caucus.Reply {
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.RequestTimeout)
	defer cancel()
	s := n.greeting.Load()
	all := overview.Ensemble{Cluster: n.cluster(), Name: n.me.Name, Term: s.Term, Commit: s.Commit,
		Time: n.ensembleTime() / 1000}
	var nodes sync.WaitGroup
	nodes.Go(func() { all.Nodes, all.Leader = n.muster(ctx) })
	var refusal *caucus.Error
	all.Groups, all.Quorum, refusal = n.groups(ctx)
	nodes.Wait()
	if refusal != nil {
		return caucus.ErrorReply(refusal)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return caucus.Fail(caucus.ErrBad, "%s", err)
	}
	return caucus.Bulk(string(text))
}

// witness says how this node is, and what it knows of the others.
func (n *Node) witness() overview.Witness {
	s := n.greeting.Load()
	disk := "ok"
	switch {
	case s.Hung:
		disk = "hung"
	case s.Low:
		disk = "low"
	}
	return overview.Witness{Rows: overview.Rows(n.ensembleNodes(n.ctx, nil)),
		Sessions: uint64(n.holdings().here), Connections: uint64(n.doors.stats().Clients),
		Disk: disk, DiskFree: s.Free, ClockAhead: s.Clock / 1000}
}

// answerStatus answers a node that gathers.
func (n *Node) answerStatus() ([]byte, error) { return json.Marshal(n.witness()) }

// muster asks all nodes how they are, all at once. Of the leader's knowledge of the others, which nobody
// else has, it takes what the leader says; how much a node has applied only that node knows.
func (n *Node) muster(ctx context.Context) (nodes []overview.Node, leader *string) {
	ctx, cancel := context.WithTimeout(ctx, witnessPatience)
	defer cancel()
	own := n.witness()
	said := make([]*overview.Witness, len(own.Rows))
	var all sync.WaitGroup
	for i, row := range own.Rows {
		all.Go(func() {
			if row.Name == n.me.Name {
				said[i] = &own
			} else if row.Role != "unreachable" {
				said[i] = n.askWitness(ctx, row.Name)
			}
		})
	}
	all.Wait()
	rows, byName := own.Rows, map[string]*overview.Witness{}
	leader = overview.Lead(rows)
	for i, row := range own.Rows {
		byName[row.Name] = said[i]
		if leader != nil && row.Name == *leader && said[i] != nil {
			rows = said[i].Rows
		}
	}
	for _, row := range rows {
		nodes = append(nodes, overview.Node{Row: row})
		if w := byName[row.Name]; w != nil {
			last := &nodes[len(nodes)-1]
			last.Sessions, last.Connections = &w.Sessions, &w.Connections
			last.Disk, last.DiskFree, last.ClockAhead = &w.Disk, &w.DiskFree, &w.ClockAhead
			last.Applied = w.Applied(row.Name)
		}
	}
	return nodes, leader
}

// askWitness asks another node how it is, nil when it does not say.
func (n *Node) askWitness(ctx context.Context, name string) *overview.Witness {
	p, ok := n.find(func(p machine.Node) bool { return p.Name == name })
	if !ok {
		return nil
	}
	answer, err := n.peers.Call(ctx, n.present(p).Peer, callStatus, nil)
	w := new(overview.Witness)
	if err == nil {
		err = json.Unmarshal(answer, w)
	}
	if err != nil {
		n.log.Debug("a node does not say how it is", "node", name, "error", err)
		return nil
	}
	return w
}

// groups reads the groups through a quorum, and without one as this node has them.
func (n *Node) groups(ctx context.Context) (groups []overview.Group, quorum bool, err *caucus.Error) {
	within, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout/2)
	defer cancel()
	talk := n.converse(waist.ConnInfo{})
	defer talk.Close(false)
	groups, err = groupsOf(within, talk)
	if err == nil || !err.Is(caucus.ErrTryAgain) && !err.Is(caucus.ErrUncertain) {
		return groups, err == nil, err
	}
	talk.DoAll(ctx, []caucus.Command{{"READONLY"}})
	groups, err = groupsOf(ctx, talk)
	return groups, false, err
}

func groupsOf(ctx context.Context, talk waist.Conn) ([]overview.Group, *caucus.Error) {
	names := talk.DoAll(ctx, []caucus.Command{{"GROUP", "LIST"}})[0]
	if names.Kind == caucus.KindError {
		return nil, caucus.ParseError(names.Str)
	}
	asked := make([]caucus.Command, len(names.Items))
	for i, name := range names.Items {
		asked[i] = caucus.Command{"GROUP", "INFO", name.Str}
	}
	groups := make([]overview.Group, 0, len(asked))
	for _, info := range talk.DoAll(ctx, asked) {
		if info.Kind != caucus.KindError {
			groups = append(groups, overview.ReadGroup(info))
		} else if err := caucus.ParseError(info.Str); !err.Is(caucus.ErrNoGroup) {
			return nil, err // one that has vanished meanwhile is left out
		}
	}
	return groups, nil
}
