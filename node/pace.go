package node

import (
	"cmp"
	"fmt"
	"time"

	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
)

// pace is the rhythm of an ensemble: how often its leader makes itself heard, and how long its silence is
// borne at least. Leases on both ends of a connection count it, so it must be the same on all nodes (SAFETY
// C14): who founds the ensemble decides, who joins is told, and each keeps it in its directory.
type pace struct{ heartbeat, election time.Duration }

// usual is the pace of an ensemble for which nobody states one.
var usual = pace{50 * time.Millisecond, 400 * time.Millisecond}

// rhythm gives what was stated at the start of this node; zero is not stated.
func (c Config) rhythm() pace { return pace{c.Heartbeat, c.Election} }

func (p pace) orUsual() pace {
	return pace{cmp.Or(p.heartbeat, usual.heartbeat), cmp.Or(p.election, usual.election)}
}

func (p pace) validate() error {
	if p.heartbeat < time.Millisecond || p.election < 2*p.heartbeat || p.election%p.heartbeat != 0 {
		return fmt.Errorf("node: the election timeout, %v, must be a multiple of the heartbeat, %v, "+
			"twice it or more", p.election, p.heartbeat)
	}
	return nil
}

// differs finds fault with a stated pace that is not the ensemble's.
func (p pace) differs(ensemble pace) error {
	stated := pace{cmp.Or(p.heartbeat, ensemble.heartbeat), cmp.Or(p.election, ensemble.election)}
	if stated != ensemble {
		return fmt.Errorf("--heartbeat %v --election %v (Heartbeat, Election): this ensemble was founded with "+
			"%v and %v, and all its nodes keep to that; leave both out", stated.heartbeat, stated.election,
			ensemble.heartbeat, ensemble.election)
	}
	return nil
}

// paceOf reads the pace that a directory keeps.
func paceOf(home datadir.Identity) pace {
	return pace{heartbeat: time.Duration(home.Heartbeat) * time.Microsecond,
		election: time.Duration(home.Election) * time.Microsecond}
}

func (p pace) keep(home *datadir.Identity) {
	home.Heartbeat, home.Election = p.heartbeat.Microseconds(), p.election.Microseconds()
}

func (p pace) append(b []byte) []byte {
	return fields.Uvarint(fields.Uvarint(b, uint64(p.heartbeat)), uint64(p.election))
}

func readPace(r *fields.Reader) pace {
	return pace{time.Duration(r.Uvarint()), time.Duration(r.Uvarint())}
}
