package replica_test

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// campaigns gives when each node asked for votes in the next so many milliseconds, in milliseconds from now,
// while nothing that anybody says arrives.
func (w *trio) campaigns(span int64) map[uint64][]int64 {
	w.t.Helper()
	list, begun := map[uint64][]int64{}, w.now
	w.hold = func(from, _ uint64, f replica.Frame) bool {
		at := (w.now - begun) / millisecond
		if m := f.Raft; m != nil && m.GetType() == pb.MsgPreVote {
			if told := list[from]; len(told) == 0 || told[len(told)-1] != at {
				list[from] = append(told, at)
			}
		}
		return true
	}
	w.pass(span)
	w.hold = nil
	return list
}

// within fails unless a campaign came in its turn: later by less than a stagger, and a tick.
func within(t *testing.T, what string, got, want int64) {
	t.Helper()
	if got < want || got > want+16 {
		t.Errorf("%s came after %d ms, want %d", what, got, want)
	}
}

// When the leader is lost the voters that are left campaign in the order of their ids, 15 ms apart, and while
// they find nobody each again after 45 ms, then 90, 180 and so on, up to the election timeout.
func TestA7_VotersCampaignInTurn(t *testing.T) {
	w := newTrio(t)
	old := w.leader()
	w.must(w.ask(old, write("SET", "k", "1")))
	w.pass(600 * millisecond) // it has held
	rest := w.others(old)
	w.crash(old)
	for _, s := range rest {
		s.r.PeerLost(w.at(s), old.id)
	}
	list := w.campaigns(2_000 * millisecond)
	for k, s := range rest {
		at := list[s.id]
		if len(at) < 6 {
			t.Fatalf("node %d campaigned at %v", s.id, at)
		}
		if first := int64(15 * k); at[0] < first || at[0] > first+1 {
			t.Errorf("node %d campaigned first after %d ms, want %d", s.id, at[0], first)
		}
		for i, pause := range []int64{45, 90, 180, 360, 400} {
			within(t, fmt.Sprint("campaign ", i+2, " of node ", s.id), at[i+1]-at[i], pause)
		}
	}
}

// Who has voted for another lets it try for a round of turns before its own comes: what the new leader sends
// may be late, and a second candidate would make it step down.
func TestA7_WhoHasVotedLetsTheOtherTry(t *testing.T) {
	w := newTrio(t)
	old := w.leader()
	w.pass(600 * millisecond)
	second := w.others(old)[1]
	voted := false
	w.hold = func(from, _ uint64, f replica.Frame) bool {
		if from == second.id && f.Raft.GetType() == pb.MsgVoteResp {
			voted = true
		}
		return voted // nobody hears of the election any more
	}
	w.die(old)
	w.pass(2 * millisecond)
	if !voted {
		t.Fatal("nobody was voted for at once")
	}
	if at := w.campaigns(200 * millisecond)[second.id]; len(at) == 0 || at[0] < 43 || at[0] > 61 {
		t.Errorf("who had voted campaigned at %v ms, and its turn was 45 to 60 ms after its vote", at)
	}
}

// A leader that was lost soon after it was found does not begin the count anew; one that has held does.
func TestA7_WhoHasHeldBeginsTheCountAnew(t *testing.T) {
	for name, c := range map[string]struct{ held, first, last int64 }{
		"held":     {600 * millisecond, 0, 16},
		"not held": {50 * millisecond, 90, 416},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTrio(t)
			old := w.leader()
			w.pass(600 * millisecond)
			w.hold = func(_, _ uint64, _ replica.Frame) bool { return true }
			w.die(old)
			w.pass(150 * millisecond) // both have campaigned twice
			w.hold = nil
			for w.leader() == nil {
				w.pass(millisecond)
			}
			w.start(old)
			w.pass(c.held)
			lead := w.leader()
			w.crash(lead)
			for _, s := range w.others(lead) {
				s.r.PeerLost(w.at(s), lead.id)
			}
			list := w.campaigns(900 * millisecond)
			for _, s := range w.others(lead) {
				if at := list[s.id]; s != old && (len(at) == 0 || at[0] < c.first || at[0] > c.last) {
					t.Errorf("node %d campaigned at %v, first at from %d to %d", s.id, at, c.first, c.last)
				}
			}
		})
	}
}

// A peer that reads too slowly to take what it is sent is sent less, and what it missed once it reads again.
func TestA7_ASlowPeerIsSentLess(t *testing.T) {
	for name, told := range map[string]bool{"told of it": true, "not told": false} {
		t.Run(name, func(t *testing.T) {
			w := newTrio(t)
			lead := w.leader()
			slow := w.others(lead)[0]
			lost := 0
			w.hold = func(_, to uint64, f replica.Frame) bool {
				if to == slow.id && f.Raft != nil && len(f.Raft.GetEntries()) > 0 {
					lost++
				}
				return to == slow.id
			}
			for range 50 {
				w.must(w.ask(lead, write("APPEND", "k", "x")))
				if told {
					w.input(lead, func(r *replica.Replica) { r.Dropped(w.at(lead), slow.id) })
				}
			}
			if told != (lost < 10) {
				t.Errorf("it was sent %d messages in vain", lost)
			}
			w.hold = nil
			if r := w.must(w.ask(slow, read("STRLEN", "k"))); r.Int != 50 {
				t.Errorf("it has %v", r)
			}
		})
	}
}
