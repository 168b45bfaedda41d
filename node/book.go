package node

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus/internal/machine"
)

// book says where the peers are. What the newest boot of each said of itself wins, whether the
// table of nodes says it or a greeting, which also comes while there is no quorum (SAFETY B19).
type book struct {
	mu     sync.Mutex
	places map[uint64]place
}

type place struct {
	boots uint64
	addr  string
}

// newest notes what the table of nodes says, where a node was at its boot of that number, and gives
// where it was at the newest one known.
func (b *book) newest(id, boots uint64, addr string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.places[id]; !ok || boots > known.boots {
		b.set(id, place{boots, addr})
	}
	return b.places[id].addr
}

// met notes where a node said itself that it is, and gives where it was at the newest boot known.
func (b *book) met(id, boots uint64, addr string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if boots >= b.places[id].boots {
		b.set(id, place{boots, addr})
	}
	return b.places[id].addr
}

// move notes where somebody else says that a node is; the node itself or a newer boot in the table
// knows better.
func (b *book) move(id uint64, addr string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(id, place{b.places[id].boots, addr})
}

func (b *book) set(id uint64, p place) {
	if b.places == nil {
		b.places = map[uint64]place{}
	}
	b.places[id] = p
}

// present gives a node's record with what is known here of its addresses: the table is of an
// earlier start until the announcement of the present one is applied.
func (n *Node) present(p machine.Node) machine.Node {
	if p.ID == n.me.ID {
		p.Client, p.Peer, p.HTTP = n.me.Client, n.me.Peer, n.me.HTTP
	} else {
		p.Peer = n.book.newest(p.ID, p.Boots, p.Peer)
	}
	return p
}

// seek follows --join as a hint where the ensemble is now, until a leader is known: all addresses
// may have changed while this node was down (SAFETY B19). That whoever answers is of this ensemble
// is for the peers' handshake to find out.
func (n *Node) seek() {
	if err := n.compareEnsembles(); err != nil {
		n.fail(err)
		return
	}
	spoke := time.Now()
	for {
		select {
		case <-time.After(joinEvery):
		case <-n.ctx.Done():
			return
		}
		if n.greeting.Load().Leader != 0 {
			return
		}
		if err := n.followHint(); err != nil && time.Since(spoke) > joinWord {
			spoke = time.Now()
			n.log.Warn("no leader yet; still looking for the ensemble", "through",
				strings.Join(n.cfg.Join, ","), "error", err)
		}
	}
}

// followHint asks one node where all are, and looks there for those that cannot be reached.
func (n *Node) followHint() error {
	rows, err := n.askNodes(n.ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		id, err := strconv.ParseUint(row["id"], 10, 64)
		if err != nil {
			return fmt.Errorf("the id of node %q: %w", row["name"], err)
		}
		if id != n.me.ID && row["peer"] != "" && !n.reaches(id) {
			n.book.move(id, row["peer"])
			n.peers.SetPeer(id, row["peer"])
		}
	}
	return nil
}
