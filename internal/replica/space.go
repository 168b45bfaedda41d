package replica

import "strings"

// reserve is the space that a disk must have beside that of two snapshots, so that what frees space
// still goes into the log, and a snapshot that shortens the log can be written (SAFETY B13). Once it was
// short of that it must have slack more, so that it does not go to and fro.
const (
	reserve = 64 << 20
	slack   = 32 << 20
)

// space is how this node's disk stands.
type space struct {
	free uint64 // bytes, as last measured; 0 before
	low  bool
}

// Space says how many bytes are free on this node's disk, and how many its last snapshot has.
func (r *Replica) Space(now Time, free, snapshot uint64) {
	r.at(now)
	need := 2*snapshot + reserve
	if r.space.low {
		need += slack
	}
	was := r.space.low
	r.space = space{free: free, low: free < need}
	switch {
	case r.space.low && !was:
		r.notice("the disk is low on space: what makes the data larger may be refused until there is more",
			"free_bytes", free, "needed_bytes", need)
		r.checkpoint.asked = append(r.checkpoint.asked, wish{index: r.m.Index()}) // it shortens the log
	case was && !r.space.low:
		r.notice("the disk has space again", "free_bytes", free)
	}
}

// spacing is what a leader does about disks that are low on space.
type spacing struct {
	tight  string // why what grows is refused, "" when it is not
	handed int64  // when it last asked another to lead because of its own disk, monotonic
}

// tick decides: while a quorum has room without this node and only its own disk is low, another shall
// lead; while fewer than a quorum have room, what grows is refused. A voter that is not heard has none.
func (s *spacing) tick(r *Replica, l *leadership) {
	heard, roomy, voters := 0, 0, len(r.conf.GetVoters())
	var low []string
	for id, sign := range l.voters(r) {
		if heard++; !sign.Low {
			roomy++
		} else {
			n, _ := r.m.Node(id)
			low = append(low, n.Name)
		}
	}
	if heard < voters && r.now.Mono-l.since < 4*r.cfg.Heartbeat {
		return // they have not told yet
	}
	enough := 2*roomy > voters
	s.refuse(r, len(low) > 0 && !enough, low)
	if r.space.low && enough && r.now.Mono-s.handed > 2*r.cfg.Election {
		s.handed = r.now.Mono
		if to := r.furthest(func(id, _ uint64) bool { return l.hasRoom(r, id) }); to != 0 {
			r.notice("the disk of this node is low on space; another node is asked to lead", "node", to)
			r.rn.TransferLeader(to)
		}
	}
}

// hasRoom says whether a voter is heard, and its disk is not low on space.
func (l *leadership) hasRoom(r *Replica, voter uint64) bool {
	for id, sign := range l.voters(r) {
		if id == voter {
			return !sign.Low
		}
	}
	return false
}

func (s *spacing) refuse(r *Replica, tight bool, low []string) {
	was := s.tight
	s.tight = ""
	if tight {
		s.tight = "low on disk space: " + strings.Join(low, ", ") + "; what frees space is still taken, " +
			"and what was refused will be once there is more"
	}
	if tight != (was != "") {
		text := "the disks have space again: everything is taken"
		if tight {
			text = "fewer than a quorum of the voters have disk space: what makes the data larger is refused"
		}
		r.notice(text, "low", strings.Join(low, ", "))
	}
}
