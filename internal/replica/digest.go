package replica

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/caucus-project/caucus/internal/machine"
)

// Digest is what a node made of its state as it was right after the entry at Index, 0 for nothing yet.
// Format 0 says that it cannot tell: its state came from a snapshot behind that entry.
type Digest struct {
	Index  uint64
	Format uint32
	Sum    uint64
}

// AskDigest has the digests of all nodes' states taken and compared. Output.Table says when that is
// done; when the request is lost with a leader it is made again by itself.
func (r *Replica) AskDigest(now Time) {
	r.at(now)
	r.stream.report(machine.TakeDigest())
}

// Digested says what the digest of a view of Output.Digests is (machine.View.Digest).
func (r *Replica) Digested(now Time, view *machine.View, sum [32]byte) {
	r.at(now)
	if view.Index() > r.digest.Index {
		r.digest = Digest{view.Index(), view.Format(), binary.BigEndian.Uint64(sum[:8])}
	}
}

// skipDigest notes that this node has come past an entry after which digests were to be taken.
func (r *Replica) skipDigest() {
	if index, _, open := r.m.Digesting(); open {
		r.digest = Digest{Index: index}
	}
}

// digesting is a leader's part in the comparison of digests (SAFETY A13).
type digesting struct {
	asked  bool   // a request is on its way through the log
	index  uint64 // for which it waits for reports
	since  int64  // when it began to, monotonic
	logged uint64 // for which it has logged the table
}

// patience is how long a leader waits for the digest of a voter that it hears.
const patience = 60 * second

// tick asks for digests when they are due, and logs the table once all voters that can be heard have
// reported.
func (d *digesting) tick(r *Replica, l *leadership) {
	if !l.armed || !r.Timed() {
		return
	}
	index, stamp, open := r.m.Digesting()
	switch {
	case open && index != d.index:
		*d = digesting{index: index, since: r.now.Mono}
	case open && d.logged != index:
		d.collect(r, l)
	case !open && !d.asked && d.due(r, index, stamp):
		d.asked = true
		l.notes = append(l.notes, machine.TakeDigest())
	}
}

func (d *digesting) due(r *Replica, index uint64, stamp int64) bool {
	return r.m.Index()-index >= r.cfg.DigestEntries || r.clock.at(r.now)-stamp >= r.cfg.DigestEvery
}

// collect logs what was reported. A table that would stop the ensemble, because those who reported
// disagree and nobody decides, is logged only when no voter that might decide can be heard.
func (d *digesting) collect(r *Replica, l *leadership) {
	rows, missing := l.reports(r, d.index)
	late := r.now.Mono-d.since >= patience
	if missing && !late {
		return
	}
	if missing && judge(machine.Digests{Index: d.index, Rows: rows}, r.conf.GetVoters(), 0) != agree {
		r.notice("digests differ, and a voter that would decide did not report; they are taken again",
			"index", d.index)
		rows = nil
	}
	d.logged = d.index
	l.notes = append(l.notes, machine.LogDigests(d.index, rows))
}

// reports gives the digests for an index, and whether a voter that was heard lately still owes his.
func (l *leadership) reports(r *Replica, index uint64) (rows []machine.Digest, missing bool) {
	for _, n := range r.m.Nodes() {
		of, near := r.digest, true
		if n.ID != r.cfg.Node.ID {
			of, near = l.signs[n.ID].Digest, r.now.Mono-r.heard[n.ID] < r.cfg.Election
		}
		switch {
		case of.Index == index && of.Format != 0:
			rows = append(rows, machine.Digest{Node: n.ID, Format: of.Format, Sum: of.Sum})
		case of.Index < index && near && slices.Contains(r.conf.GetVoters(), n.ID):
			missing = true
		}
	}
	return rows, missing
}

// verdict is what a table of digests means for one node.
type verdict int

const (
	agree   verdict = iota // nothing speaks against it
	differs                // it differs from a majority of the voters
	split                  // those who reported disagree, and none of them are a majority
)

// judge reads a table for one node; me 0 is nobody in particular. Learners are judged and do not count; who
// did not report, or reports in another format than the majority, is not judged (SAFETY A13).
func judge(t machine.Digests, voters []uint64, me uint64) verdict {
	type kind struct {
		format uint32
		sum    uint64
	}
	counts, sums := map[kind]int{}, map[uint32]int{}
	var own, most kind
	reported, best := 0, 0
	for _, row := range t.Rows {
		k := kind{row.Format, row.Sum}
		if row.Node == me {
			own = k
		}
		if !slices.Contains(voters, row.Node) {
			continue
		}
		reported++
		if counts[k]++; counts[k] == 1 {
			sums[k.format]++
		}
		if counts[k] > best {
			most, best = k, counts[k]
		}
	}
	disagree := false
	for _, n := range sums {
		disagree = disagree || n > 1
	}
	switch {
	case 2*best > len(voters) && own.format == most.format && own.sum != most.sum:
		return differs
	case disagree && 2*best <= reported:
		return split
	}
	return agree
}

// DivergedError says why a node must not serve: its state is not that of the others.
type DivergedError struct{ text string }

// Error gives the digests and what to do.
func (e *DivergedError) Error() string { return e.text }

// compare judges this node by the table that was just applied.
func (r *Replica) compare() {
	r.out.Table = true
	table, _ := r.m.Digests()
	switch judge(table, r.conf.GetVoters(), r.cfg.Node.ID) {
	case differs:
		r.fail(&DivergedError{fmt.Sprintf("the state of this node differs from that of a majority of the "+
			"voters: %s. Its disk, memory or software is not to be trusted: move its data directory away, "+
			"and let it join anew", r.account(table))})
	case split:
		r.fail(&DivergedError{fmt.Sprintf("the states of the nodes differ, and no majority agrees: %s. All "+
			"of them stop. Keep all data directories, and make a new ensemble from the node whose data are "+
			"right, or from a backup", r.account(table))})
	}
}

// account names the digests of a table.
func (r *Replica) account(t machine.Digests) string {
	list := make([]string, len(t.Rows))
	for i, row := range t.Rows {
		n, _ := r.m.Node(row.Node)
		list[i] = fmt.Sprintf("%s has digest %016x", n.Name, row.Sum)
		if row.Node == r.cfg.Node.ID {
			list[i] += " (this node)"
		}
	}
	return fmt.Sprintf("after entry %d %s", t.Index, strings.Join(list, ", "))
}
