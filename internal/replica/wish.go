package replica

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
)

// Wish is what an operator asks of the leader.
type Wish struct {
	Kind WishKind
	Name string // of the node that it is about
	Addr string // Reserve: the client address at which that node will be
}

// WishKind is what is wished for. The numbers are on the wire between nodes.
type WishKind uint8

// The kinds of wishes. Each may be asked for again when the answer is lost.
const (
	Remove  WishKind = 1 // the node is to leave, dead or not; also what Reserve noted of its name is forgotten
	Reserve WishKind = 2 // a node of that name is expected at the address, and let in when it asks
	Lead    WishKind = 3 // the node is to lead
)

// Outcome answers a wish. Without an error it has come true, as whoever has applied the entry at Index knows;
// for Lead, it is so or was asked for.
type Outcome struct {
	Tag   any
	Index uint64
	Err   *caucus.Error
}

// wished is a wish on its way through the log.
type wished struct {
	Wish
	tag any
	// Noted says that it stands in the notes or the log: then only what becomes of it is an answer.
	noted bool
}

var errLeaderLost = caucus.Errorf(caucus.ErrUncertain,
	"the leader was lost while it changed the set of nodes; it may or may not be changed")

// Wish asks this node, which should lead, for something. It is answered once.
func (r *Replica) Wish(now Time, w Wish, tag any) {
	r.at(now)
	if w.Kind == Remove {
		w.Addr = "" // which is how a reservation of the name is taken back
	}
	err := r.mayWish(w)
	if err != nil || w.Kind == Lead {
		r.conclude(tag, err)
		return
	}
	r.leader.members.wishes = append(r.leader.members.wishes, &wished{Wish: w, tag: tag})
	r.leader.members.answerWishes(r)
}

func (r *Replica) conclude(tag any, err *caucus.Error) {
	r.out.Outcomes = append(r.out.Outcomes, Outcome{Tag: tag, Index: r.m.Index(), Err: err})
}

// answerWishes answers those that have come true or cannot any more, and notes what is to be reserved.
func (ms *membership) answerWishes(r *Replica) {
	ms.wishes = slices.DeleteFunc(ms.wishes, func(w *wished) bool {
		done := w.true(r)
		var err *caucus.Error
		if !done && !w.noted {
			err = r.mayWish(w.Wish)
		}
		if done || err != nil {
			r.conclude(w.tag, err)
			return true
		}
		if _, reserved := r.m.Reserved(w.Name); !w.noted && (w.Kind == Reserve || reserved) {
			r.leader.notes = append(r.leader.notes, machine.Reserve(w.Name, w.Addr))
			w.noted = true
		}
		return false
	})
}

// true says whether what was wished for is so.
func (w *wished) true(r *Replica) bool {
	addr, reserved := r.m.Reserved(w.Name)
	list := r.named(w.Name)
	if w.Kind == Remove {
		_, leaving := r.m.Leaving()
		return len(list) == 0 && !reserved && !slices.Contains(leaving, w.Name)
	}
	return addr == w.Addr || len(list) > 0 && list[0].Client == w.Addr
}

// mayWish says why a wish cannot come true, now or at all.
func (r *Replica) mayWish(w Wish) *caucus.Error {
	if !r.armed() {
		return errNoLeader
	}
	switch w.Kind {
	case Remove:
		return r.mayRemove(w.Name)
	case Reserve:
		return r.mayReserve(w)
	case Lead:
		return r.lendLead(w.Name)
	}
	return caucus.Errorf(caucus.ErrBad, "unknown wish %d; start the version that the other nodes run", w.Kind)
}

// mayRemove finds fault with the removal of a node. The leader does not remove itself: it hands over, and its
// successor does it (P10). What remains must be able to go on (SAFETY B4).
func (r *Replica) mayRemove(name string) *caucus.Error {
	list := r.named(name)
	_, reserved := r.m.Reserved(name)
	_, leaving := r.m.Leaving()
	if len(list) == 0 && (reserved || slices.Contains(leaving, name)) {
		return nil
	}
	if len(list) == 0 {
		return r.noSuchNode(name)
	}
	leaves := func(id uint64) bool {
		return slices.ContainsFunc(list, func(n machine.Node) bool { return n.ID == id })
	}
	if len(list) == len(r.m.Nodes()) {
		return caucus.Errorf(caucus.ErrBad, "%s is the last node; to end the ensemble, stop it and remove its "+
			"data directory", name)
	}
	voters := slices.DeleteFunc(slices.Clone(r.conf.GetVoters()), leaves)
	heard := slices.DeleteFunc(slices.Clone(voters), func(id uint64) bool { return !r.present(id) })
	switch {
	case len(voters) == 0:
		return caucus.Errorf(caucus.ErrTryAgain, "without %s nobody would vote: the other nodes are still "+
			"learning", name)
	case len(heard) <= len(voters)/2:
		return caucus.Errorf(caucus.ErrTryAgain, "without %s there would be no quorum: of the %d voters that "+
			"remain %d can be reached; start the others, or, if they are lost for good, stop one survivor and run "+
			"caucus recover --data DIR on it", name, len(voters), len(heard))
	case leaves(r.cfg.Node.ID):
		r.handOver()
		return errHandingOver
	}
	return nil
}

var errHandingOver = caucus.Errorf(caucus.ErrTryAgain,
	"the node leads, and hands over before it is removed; no other node leads yet")

func (r *Replica) noSuchNode(name string) *caucus.Error {
	var names []string
	for _, n := range r.m.Nodes() {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return caucus.Errorf(caucus.ErrBad, "no such node '%s'; the nodes are %s", name,
		strings.Join(slices.Compact(names), ", "))
}

// mayReserve finds fault with a name and an address for a newcomer: somebody who answers has one of them.
func (r *Replica) mayReserve(w Wish) *caucus.Error {
	for _, n := range r.named(w.Name) {
		if n.Client == w.Addr {
			return nil
		}
		if !r.silent(n.ID) {
			return caucus.Errorf(caucus.ErrConflict, "%s is a node at %s, which answers; to have one of that name "+
				"at %s, remove it first: caucus node remove %s", w.Name, n.Client, w.Addr, w.Name)
		}
	}
	for _, n := range r.m.Nodes() {
		if n.Client == w.Addr && !r.silent(n.ID) {
			return caucus.Errorf(caucus.ErrConflict, "at %s is %s, which answers; name the client address that %s "+
				"will have", w.Addr, n.Name, w.Name)
		}
	}
	return nil
}
