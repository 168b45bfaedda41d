package replica

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	pb "go.etcd.io/raft/v3/raftpb"
)

// table makes rows of digests for the nodes 1, 2, 3 and so on; 0 has not reported, and what is negative
// is of another format.
func table(sums ...int) (t machine.Digests) {
	t.Index = 7
	for i, sum := range sums {
		row := machine.Digest{Node: uint64(i + 1), Format: 1, Sum: uint64(sum)}
		if sum < 0 {
			row.Format = 2
		}
		if sum != 0 {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// What a table means for node 1, 2 and so on.
func TestA13Judge(t *testing.T) {
	for _, c := range []struct {
		voters int
		sums   []int
		want   string
	}{
		{1, []int{5}, "."},
		{2, []int{5, 5}, ".."},
		{2, []int{5, 6}, "!!"},
		{2, []int{5, 0}, ".."},
		{3, []int{5, 5, 5}, "..."},
		{3, []int{5, 6, 5}, ".x."},
		{3, []int{5, 6, 7}, "!!!"},
		{3, []int{5, 6, 0}, "!!!"}, // nobody knows who is right, nor does the third know whose log it continues
		{3, []int{5, 0, 5}, "..."},
		{3, []int{0, 5, 0}, "..."},
		{3, []int{0, 0, 0}, "..."},
		{3, []int{5, 5, 5, 6}, "...x"},     // a learner is judged
		{3, []int{5, 6, 0, 5}, "!!!!"},     // and does not count
		{3, []int{5, 0, 0, 6}, "...."},     // one voter is no majority of them
		{3, []int{5, 5, -6}, "..."},        // another format says nothing
		{3, []int{5, -5, -6}, "!!!"},       // of those that can be compared no majority agrees
		{5, []int{5, 5, 6, 0, 0}, "....."}, // most of those who reported, but no majority of the voters
		{5, []int{5, 5, 6, 6, 0}, "!!!!!"},
		{5, []int{5, 5, 5, 6, 7}, "...xx"},
		{4, []int{5, 5, 6, 6}, "!!!!"},
		{4, []int{5, 5, 5, 6}, "...x"},
	} {
		var voters []uint64
		for i := range c.voters {
			voters = append(voters, uint64(i+1))
		}
		got := ""
		for i := range c.want {
			v := judge(table(c.sums...), voters, uint64(i+1))
			got += map[verdict]string{agree: ".", differs: "x", split: "!"}[v]
		}
		if got != c.want {
			t.Errorf("%d voters, digests %v: %s instead of %s", c.voters, c.sums, got, c.want)
		}
	}
}

// A node whose state is from a snapshot behind the entry for which digests are being taken says that it
// cannot tell, so that nobody waits for it.
func TestA13WhoWasRestoredAbstains(t *testing.T) {
	m := machine.New([16]byte{1}, 1)
	m.Admit(1, 1, machine.Node{ID: 1})
	e := &entry.Entry{Stamp: 2, Notes: []entry.Op{machine.TakeDigest()}}
	if out, err := m.Apply(2, 1, e, host{}); err != nil || !out.Digest {
		t.Fatal(out, err)
	}
	index, term := uint64(2), uint64(1)
	found := Restored{State: m, Snapshot: &pb.SnapshotMetadata{Index: &index, Term: &term,
		ConfState: &pb.ConfState{Voters: []uint64{1}}}}
	r, err := Open(Config{Node: machine.Node{ID: 1, Boot: entry.Boot{1}}}, found, Time{Mono: 1})
	if err != nil {
		t.Fatal(err)
	}
	l := newLeadership(r)
	if rows, missing := l.reports(r, 2); len(rows) != 0 || missing {
		t.Fatalf("it reports %v, and is waited for: %v", rows, missing)
	}
	if rows, missing := l.reports(r, 3); len(rows) != 0 || !missing {
		t.Fatalf("of a later entry it reports %v, and is waited for: %v", rows, missing)
	}
	m.Skip(3, 1)
	r.Digested(Time{Mono: 2}, m.View(), [32]byte{1})
	if rows, missing := l.reports(r, 3); len(rows) != 1 || missing || rows[0].Sum != 1<<56 {
		t.Fatalf("when it has taken that it reports %v, and is waited for: %v", rows, missing)
	}
}

// Which wall clocks count, and where the clock is steered. The numbers are seconds.
func TestA14Weigh(t *testing.T) {
	for _, c := range []struct {
		walls  []int64
		voters int
		want   string
	}{
		{[]int64{0}, 1, "0 [] true"},
		{[]int64{0, 0, 500_000_000}, 3, "0 [3] true"}, // 2040
		{[]int64{500_000_000, 0, 0}, 3, "0 [1] true"},
		{[]int64{0, -500_000_000, 0}, 3, "0 [2] true"},
		{[]int64{500_000_000, 0}, 3, "0 [1] false"}, // at a cold start it does not jump; afterwards nobody knows
		{[]int64{0, -500_000_000}, 3, "-500000000 [1] false"},
		{[]int64{0, 500_000_000}, 2, "0 [2] false"},
		{[]int64{0, 100, 200}, 3, "100 [1 3] false"},
		{[]int64{0, 0, 100, 100, 0}, 5, "0 [3 4] true"},
		{nil, 3, "0 [] false"},
	} {
		var walls []wall
		for i, s := range c.walls {
			walls = append(walls, wall{uint64(i + 1), s * second})
		}
		median, off, agreed := weigh(walls, c.voters)
		ids := []uint64{}
		for id := range uint64(len(walls)) {
			for _, w := range off {
				if w.node == id+1 {
					ids = append(ids, w.node)
				}
			}
		}
		if got := fmt.Sprint(median/second, ids, agreed); got != c.want {
			t.Errorf("clocks %v of %d voters: %s instead of %s", c.walls, c.voters, got, c.want)
		}
	}
}

// A follower's estimate stays within what the leader's answer allows, and what was read from it never goes
// back, however much too fast its clock is.
func TestA14EstimateStaysBetween(t *testing.T) {
	c, last := clock{}, int64(0)
	c.start(Time{Wall: 900 * second}, 0)
	if at := c.at(Time{Wall: 900 * second}); at != 900*second {
		t.Fatalf("before anybody told it the time it shows %d", at)
	}
	leader := func(mono int64) int64 { return 5*second + mono - mono/50 } // goes 2 percent slower
	for mono := int64(0); mono < 100*second; mono += 700 * millisecond {
		asked, now := mono, Time{Mono: mono + 3*millisecond, Wall: 900 * second}
		c.heard(now, leader(asked+millisecond), now.Mono-asked)
		at := c.at(now)
		if at < last {
			t.Fatalf("at %d µs it went back from %d to %d", mono, last, at)
		}
		if off := c.offset + now.Mono - leader(now.Mono); off < -3*millisecond || off > 3*millisecond {
			t.Fatalf("at %d µs it is %d µs off", mono, off)
		}
		last = at
	}
}
