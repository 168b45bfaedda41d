package node

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/peer"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// book says where the peers are. What the newest boot of each said of itself wins, whether the
// table of nodes says it or a greeting, which also comes while there is no quorum (SAFETY B19). It
// is kept in a file of this node's own.
type book struct {
	mu     sync.Mutex
	places map[uint64]datadir.Place
	dirty  chan struct{} // holds one: the file is behind
}

// open takes what the file said at the last start.
func (b *book) open(list []datadir.Place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.places, b.dirty = map[uint64]datadir.Place{}, make(chan struct{}, 1)
	for _, p := range list {
		b.places[p.ID] = p
	}
}

// placeOf gives what a node's record says of where it is.
func placeOf(p machine.Node) datadir.Place {
	return datadir.Place{ID: p.ID, Boots: p.Boots, Boot: formatID(p.Boot), Client: p.Client, Peer: p.Peer,
		HTTP: p.HTTP}
}

// learn takes what was said of a node's place, unless a newer boot of it is known, and gives where it is.
func (b *book) learn(p datadir.Place) datadir.Place {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.places[p.ID]; !ok || p.Boots > known.Boots {
		b.set(p)
	}
	return b.places[p.ID]
}

// met is learn for what a node said itself, which also corrects what others said of the same boot.
func (b *book) met(p datadir.Place) datadir.Place {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.Boots >= b.places[p.ID].Boots {
		b.set(p)
	}
	return b.places[p.ID]
}

// move notes where somebody else says that a node is; the node itself or a newer boot in the table
// knows better.
func (b *book) move(id uint64, client, peer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.places[id]
	p.ID, p.Client, p.Peer = id, client, peer
	b.set(p)
}

// forget drops a node that was removed.
func (b *book) forget(id uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.places[id]; ok {
		delete(b.places, id)
		b.soil()
	}
}

func (b *book) set(p datadir.Place) {
	if b.places[p.ID] != p {
		b.places[p.ID] = p
		b.soil()
	}
}

func (b *book) soil() {
	select {
	case b.dirty <- struct{}{}:
	default:
	}
}

func (b *book) place(id uint64) datadir.Place {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.places[id]
}

func (b *book) list() []datadir.Place {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]datadir.Place, 0, len(b.places))
	for _, p := range b.places {
		list = append(list, p)
	}
	return list
}

// openBook reads the file. It only says where to look for others, so a damaged one is passed over.
func (n *Node) openBook(home datadir.Identity) {
	list, err := datadir.ReadBook(vfs.OS{}, n.cfg.Data, home)
	if err != nil {
		n.log.Warn("the address book is not used; --join can say where the other nodes are", "error", err)
	}
	n.book.open(list)
}

// keepBook writes the file whenever it is behind, again and again while the disk takes nothing, until the
// node stops.
func (n *Node) keepBook(home datadir.Identity) {
	for spoke := false; ; {
		var again <-chan time.Time
		if spoke {
			again = time.After(time.Second)
		}
		select {
		case <-n.book.dirty:
		case <-again:
		case <-n.ctx.Done():
			return
		}
		err := datadir.WriteBook(vfs.OS{}, n.cfg.Data, home, n.book.list())
		if err != nil && !spoke {
			n.log.Warn("the address book cannot be written", "error", err)
		}
		spoke = err != nil
	}
}

// present gives a node's record with what is known here of its addresses: the table is of an
// earlier start until the announcement of the present one is applied.
func (n *Node) present(p machine.Node) machine.Node {
	if p.ID == n.me.ID {
		p.Client, p.Peer, p.HTTP = n.me.Client, n.me.Peer, n.me.HTTP
		return p
	}
	at := n.book.learn(placeOf(p))
	p.Client, p.Peer, p.HTTP = at.Client, at.Peer, at.HTTP
	return p
}

// maxTold is how many bytes of the book go into a greeting, which has 64 KiB.
const maxTold = 60 << 10

// appendBook adds the book to a greeting, as much of it as there is room for, and this node's own place.
func (n *Node) appendBook(b []byte) []byte {
	for _, p := range n.book.list() {
		if len(b) > maxTold {
			return b
		}
		b = fields.Uvarint(fields.Uvarint(b, p.ID), p.Boots)
		for _, s := range []string{p.Boot, p.Client, p.Peer, p.HTTP} {
			b = fields.String(b, s)
		}
	}
	return b
}

// readBook takes what the other side's book says of others.
func (n *Node) readBook(text []byte) {
	r := fields.NewReader(text)
	for r.Len() > 0 && r.Err() == nil {
		p := datadir.Place{ID: r.Uvarint(), Boots: r.Uvarint()}
		for _, s := range []*string{&p.Boot, &p.Client, &p.Peer, &p.HTTP} {
			*s = strings.Clone(r.String())
		}
		if _, known := n.find(func(q machine.Node) bool { return q.ID == p.ID }); !known || p.ID == n.me.ID ||
			r.Err() != nil {
			continue
		}
		n.peers.SetPeer(p.ID, n.book.learn(p).Peer)
	}
}

// judge finds fault with who a peer says that it is. Raft ids are used once, so an id below the next one that
// is not in the table was removed. A directory counts its starts: one whose count went back is an old copy
// that has forgotten what it voted for, and of two with one count one is a copy (SAFETY B19).
func (n *Node) judge(from peer.Identity) error {
	if _, known := n.find(func(p machine.Node) bool { return p.ID == from.ID }); !known {
		if f := n.former.Load(); from.ID < f.next && !slices.Contains(f.leaving, from.ID) {
			return &peer.Refusal{Code: peer.RefusedRemoved, Mine: true,
				Text: fmt.Sprintf("node %d, %q, was removed from the ensemble", from.ID, from.Name)}
		}
		return nil
	}
	known, boot := n.book.place(from.ID), formatID(from.Boot)
	switch {
	case from.Boots < known.Boots:
		return &peer.Refusal{Code: peer.RefusedCopy, Mine: true, Text: fmt.Sprintf("this is start %d of node %d, "+
			"%q, and start %d is known: its data directory is an old copy", from.Boots, from.ID, from.Name,
			known.Boots)}
	case from.Boots == known.Boots && known.Boot != boot && known.Boot != "":
		return &peer.Refusal{Code: peer.RefusedCopy, Mine: true, Text: fmt.Sprintf("start %d of node %d, %q, is "+
			"known as another process: its data directory was copied", from.Boots, from.ID, from.Name)}
	}
	return nil
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
				strings.Join(n.cfg.hints(), ","), "error", err)
		}
	}
}

// followHint asks one node where all are, and looks there for those that cannot be reached.
func (n *Node) followHint() error {
	rows, err := n.askNodes(n.ctx, n.cfg.hints()...)
	if err != nil {
		return err
	}
	for _, row := range rows {
		id, err := strconv.ParseUint(row["id"], 10, 64)
		if err != nil {
			return fmt.Errorf("the id of node %q: %w", row["name"], err)
		}
		if id != n.me.ID && row["peer"] != "" && !n.reaches(id) {
			n.book.move(id, row["addr"], row["peer"])
			n.peers.SetPeer(id, row["peer"])
		}
	}
	return nil
}
