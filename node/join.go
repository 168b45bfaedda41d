package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/founding"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/peer"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
)

// callJoin asks to be let in: the record of the node, and the rhythm that it was told to keep, if any. The
// answer: the ensemble's rhythm, raft id, cluster, all nodes.
const callJoin = 1

// patience between two attempts to join, and between two words about it.
const (
	joinEvery = 250 * time.Millisecond
	joinWord  = 5 * time.Second
)

// join asks once, through a node that belongs to an ensemble, to be let into it.
func (n *Node) join(
	ctx context.Context, home datadir.Identity, d founding.Decision,
) (datadir.Identity, error) {
	n.me.Metadata = d.Metadata
	n.assembly.with(func(r *founding.Roll) { r.Joining(true) })
	rhythm, id, err := n.tryJoin(ctx, d.Through)
	if err != nil {
		n.assembly.with(func(r *founding.Roll) { r.Joining(false) })
		return home, fmt.Errorf("joining through %s: %w", d.Through, cmp.Or(refusal(err), err))
	}
	home.Cluster, home.RaftID = formatID(id.Cluster), id.ID
	rhythm.keep(&home)
	n.me.ID = id.ID
	n.know(id.Nodes, former{})
	n.log.Info("joined", "ensemble", home.Cluster, "id", home.RaftID)
	if err := datadir.Write(vfs.OS{}, n.cfg.Data, home); err != nil {
		return home, err
	}
	n.assembly.settle(id.Cluster)
	return home, nil
}

// refusal gives an error that trying again will not mend, with what will; nil for any other.
func refusal(err error) error {
	refused := new(peer.Refusal)
	switch {
	case errors.As(err, &refused) && refused.Code == peer.RefusedPassword:
		return fmt.Errorf("the other end has another password, or only one of the two has any: start with the "+
			"--password-file (Password) that the nodes of the ensemble have, or without one as they were (%w)", err)
	case errors.Is(err, caucus.ErrConflict), errors.Is(err, caucus.ErrDenied):
		return err
	case errors.Is(err, caucus.ErrNoAuth), errors.Is(err, caucus.ErrWrongPass):
		return fmt.Errorf("the ensemble's password is another: start with the --password-file (Password) "+
			"that its nodes have (%w)", err)
	}
	return nil
}

// tryJoin asks every node that a client door names, once.
func (n *Node) tryJoin(ctx context.Context, addr string) (pace, replica.Admission, error) {
	doors, err := n.peerDoors(ctx, addr)
	if err != nil {
		return pace{}, replica.Admission{}, err
	}
	request := n.cfg.rhythm().append(n.me.Append(nil))
	var first error // the leader's, most likely, who is asked first
	for _, door := range doors {
		answer, err := n.peers.Call(ctx, door, callJoin, request)
		if err == nil {
			return readAdmission(answer)
		}
		if errors.Is(err, caucus.ErrConflict) {
			return pace{}, replica.Admission{}, err
		}
		first = cmp.Or(first, err)
	}
	return pace{}, replica.Admission{}, cmp.Or(first, errors.New("the ensemble names no nodes"))
}

// peerDoors asks a client door for the peer doors of all nodes, the leading one first.
func (n *Node) peerDoors(ctx context.Context, addr string) ([]string, error) {
	rows, err := n.askNodes(ctx, addr)
	if err != nil {
		return nil, err
	}
	var doors []string
	for _, row := range rows {
		switch {
		case row["peer"] == "":
		case row["role"] == "leader":
			doors = slices.Insert(doors, 0, row["peer"])
		default:
			doors = append(doors, row["peer"])
		}
	}
	return doors, nil
}

// askNodes asks one of the client doors for what it knows of each node.
func (n *Node) askNodes(ctx context.Context, addrs ...string) ([]map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := n.dialDoors(ctx, addrs)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	reply, err := c.Do(ctx, caucus.Command{"ENSEMBLE", "NODES"})
	if err != nil {
		return nil, err
	}
	rows := make([]map[string]string, len(reply.Items))
	for i, node := range reply.Items {
		rows[i] = fieldsOf(node)
	}
	return rows, nil
}

// compareEnsembles finds fault when a node that is an ensemble of its own is told to join another: it was
// started without --join by mistake, most likely, and nobody would notice that there are two. When nobody
// answers there is nothing to compare. A node with peers does not ask: somebody else may live at an old
// address of theirs by now.
func (n *Node) compareEnsembles() error {
	if len(*n.nodes.Load()) > 1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(n.ctx, 2*time.Second)
	defer cancel()
	c, err := n.dialDoors(ctx, n.cfg.hints())
	if err != nil {
		return nil
	}
	defer c.Close()
	var there ensembleInfo
	reply, err := c.Do(ctx, caucus.Command{"INFO", "json"})
	if err != nil || json.Unmarshal([]byte(reply.Text()), &there) != nil || there.Cluster == "" ||
		there.Cluster == n.cluster() {
		return nil
	}
	return n.describeError(fmt.Errorf("it is ensemble %s, alone, and --join (Join) %s leads to ensemble %s: "+
		"start it "+
		"without --join to go on so, or with an empty directory to join",
		n.cluster(), strings.Join(n.cfg.hints(), ","), there.Cluster))
}

// fieldsOf reads a map whose values are scalars.
func fieldsOf(r caucus.Reply) map[string]string {
	row := map[string]string{}
	for i := 0; i+1 < len(r.Items); i += 2 {
		row[r.Items[i].Text()] = r.Items[i+1].Text()
	}
	return row
}

// admit answers a node that asks to be let in.
func (n *Node) admit(ctx context.Context, payload []byte) ([]byte, error) {
	r := fields.NewReader(payload)
	newcomer, told := machine.ReadNode(&r), readPace(&r)
	if err := r.End("the record of a node"); err != nil {
		return nil, caucus.Errorf(caucus.ErrBad, "%s", err)
	}
	newcomer.Boots, newcomer.Boot = 0, [16]byte{}
	answer := make(chan replica.Admission, 1)
	o := n.ownerNow()
	if o != nil {
		if err := told.differs(n.pace); err != nil {
			return nil, caucus.Errorf(caucus.ErrConflict, "%s", err)
		}
	}
	if o == nil || !o.call(func(now replica.Time) { o.r.Join(now, newcomer, answer) }) {
		return nil, caucus.Errorf(caucus.ErrTryAgain, "this node is not ready")
	}
	select {
	case a := <-answer:
		if a.Err != nil {
			return nil, a.Err
		}
		return appendAdmission(n.pace, a), nil
	case <-ctx.Done():
		return nil, caucus.Errorf(caucus.ErrTryAgain, "this node is stopping")
	case <-time.After(n.cfg.RequestTimeout):
		return nil, caucus.Errorf(caucus.ErrTryAgain, "the ensemble did not admit the node in time")
	}
}

func appendAdmission(rhythm pace, a replica.Admission) []byte {
	b := append(fields.Uvarint(rhythm.append(nil), a.ID), a.Cluster[:]...)
	b = fields.Uvarint(b, uint64(len(a.Nodes)))
	for i := range a.Nodes {
		b = fields.String(b, string(a.Nodes[i].Append(nil)))
	}
	return b
}

func readAdmission(b []byte) (pace, replica.Admission, error) {
	r := fields.NewReader(b)
	rhythm, a := readPace(&r), replica.Admission{ID: r.Uvarint(), Cluster: r.ID()}
	for range r.Count(40) {
		one := fields.StringReader(r.String())
		a.Nodes = append(a.Nodes, machine.ReadNode(&one))
	}
	return rhythm, a, r.End("the answer of the ensemble")
}
