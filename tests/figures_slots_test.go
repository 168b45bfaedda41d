package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

const (
	slotCount   = 1024
	slotMembers = 100
)

// BenchmarkSlots counts how many of 1,024 slots change hands at each join, up to a hundred members on three
// nodes, and at each departure, down to one, and how many must at least.
//
//	go test -run xxx -bench Slots ./tests
func BenchmarkSlots(b *testing.B) {
	joins, leaves := churn(b, slotMembers)
	b.ReportMetric(float64(joins.moved)/float64(joins.least), "moves/least-join")
	b.ReportMetric(float64(leaves.moved)/float64(leaves.least), "moves/least-leave")
	b.ReportMetric(0, "ns/op")
	fmt.Printf("\n| %d slots, %d members | slots that changed hands | the least possible |\n"+
		"| --- | --- | --- |\n| all joins | %d | %d |\n| the last of them | %d | %d |\n"+
		"| all departures | %d | %d |\n| the first of them | %d | %d |\n\n", slotCount, slotMembers,
		joins.moved, joins.least, joins.large.moved, joins.large.least, leaves.moved, leaves.least,
		leaves.large.moved, leaves.large.least)
}

// Slots move no more than balance needs, and never while somebody holds them, through joins and departures.
func TestA17_SlotsMoveNoMoreThanTheyMust(t *testing.T) {
	t.Parallel()
	joins, leaves := churn(t, 12)
	for _, m := range []moves{joins, leaves} {
		if m.moved != m.least {
			t.Errorf("%d slots changed hands where %d would have done: joins %+v, departures %+v", m.moved, m.least,
				joins, leaves)
		}
	}
}

// moves counts slots that changed hands, and how many had to at least.
type moves struct {
	moved, least int
	large        largest
}

// largest is the step with the most members.
type largest struct{ moved, least int }

func (m *moves) add(step moves, members, most int) {
	m.moved, m.least = m.moved+step.moved, m.least+step.least
	if members == most {
		m.large = largest{step.moved, step.least}
	}
}

// churn has members join one after the other, looks at what they have then, and lets them go again.
func churn(tb testing.TB, members int) (joins, leaves moves) {
	tb.Helper()
	c := nodetest.Start(tb, 3)
	l := openLedger(tb, c.Addr(2))
	var all []*guest
	for i := range members {
		addrs := slices.Concat(c.Addrs()[i%3:], c.Addrs()[:i%3])
		step := l.step(0, func() {
			s, m, err := participate(tb, addrs, l.group,
				client.JoinOptions{Slots: slotCount, Settle: client.Immediately})
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, &guest{s, m})
		})
		if i > 0 { // what the first gets was nobody's
			joins.add(step, i+1, members)
		}
	}
	l.compare(c.Addr(0))
	for i := range members - 1 {
		at := []int{0, len(all) - 1, len(all) / 2}[i%3]
		leaver := all[at]
		all = slices.Delete(all, at, at+1)
		leaves.add(l.step(l.held[leaver.Name()], func() { leaver.leave(tb, i%2 == 0) }), len(all)+1, members)
	}
	l.compare(c.Addr(1))
	return joins, leaves
}

// guest is a member and its session.
type guest struct {
	session *client.Session
	*client.Member
}

// leave ends the membership, by itself or with its session.
func (g *guest) leave(tb testing.TB, itself bool) {
	tb.Helper()
	var err error
	if itself {
		err = g.Leave(tb.Context())
	} else {
		err = g.session.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// ledger is who has which slots, as the events of their group tell.
type ledger struct {
	tb    testing.TB
	group string
	ear   *nodetest.Line

	total   int            // members at the last settling
	held    map[string]int // how many slots each member has
	holder  map[int]string // by slot
	asked   map[int]bool   // slots that their holders are to release
	granted int            // slots, in the present step
}

func openLedger(tb testing.TB, addr string) *ledger {
	tb.Helper()
	l := &ledger{tb: tb, group: "slots", held: map[string]int{}, holder: map[int]string{}, asked: map[int]bool{}}
	ear, err := nodetest.Dial(addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ear.Close() })
	l.ear = ear
	if err := orders(ear, caucus.Command{"SUBSCRIBE", "caucus:g:" + l.group}); err != nil {
		tb.Fatal(err)
	}
	return l
}

// step has something done, waits until the slots are at rest again, and counts what moved. Orphans are the
// slots of a member that goes.
func (l *ledger) step(orphans int, do func()) moves {
	l.tb.Helper()
	before, size := maps.Clone(l.held), len(l.held)
	l.granted, l.total = 0, 0
	do()
	for !l.rests() || len(l.held) == size {
		l.read()
	}
	counts := make([]int, 0, len(l.held))
	for name := range l.held {
		counts = append(counts, before[name])
	}
	return moves{moved: l.granted, least: orphans + leastMoves(counts, slotCount)}
}

// leastMoves gives how many slots members who hold so many must give up before none has more than one more
// than another: those who hold most may have one more where some must.
func leastMoves(held []int, slots int) (n int) {
	slices.SortFunc(held, func(a, b int) int { return b - a })
	for i, has := range held {
		quota := slots / len(held)
		if i < slots%len(held) {
			quota++
		}
		n += max(0, has-quota)
	}
	return n
}

// rests says whether all slots are where they belong.
func (l *ledger) rests() bool {
	if l.total == 0 || l.total != len(l.held) || len(l.asked) > 0 || len(l.holder) != slotCount {
		return false
	}
	counts := slices.Collect(maps.Values(l.held))
	return slices.Max(counts)-slices.Min(counts) <= 1
}

// read takes the next event.
func (l *ledger) read() {
	l.tb.Helper()
	push, err := l.ear.Read()
	if err != nil || len(push.Items) != 3 {
		l.tb.Fatalf("%v, %v; settled with %d members, %d slots asked for, %d held; %v", push, err, l.total,
			len(l.asked), len(l.holder), l.held)
	}
	var e struct {
		Event, Member               string
		Total                       int
		Granted, Revoking, Released string
	}
	if err := json.Unmarshal([]byte(push.Items[2].Str), &e); err != nil {
		l.tb.Fatal(err)
	}
	switch e.Event {
	case "joined":
		l.held[e.Member] = 0
	case "left":
		l.release(e.Member, slices.Collect(maps.Keys(l.holder)))
		delete(l.held, e.Member)
	case "settled":
		l.total = e.Total
	case "slots":
		l.release(e.Member, l.slots(e.Released))
		l.grant(e.Member, l.slots(e.Granted))
		for _, slot := range l.slots(e.Revoking) {
			l.asked[slot] = true
		}
	}
}

// release takes those of the slots from a member that it has.
func (l *ledger) release(member string, slots []int) {
	for _, slot := range slots {
		if l.holder[slot] == member {
			delete(l.holder, slot)
			delete(l.asked, slot)
			l.held[member]--
		}
	}
}

func (l *ledger) grant(member string, slots []int) {
	l.tb.Helper()
	for _, slot := range slots {
		if other, held := l.holder[slot]; held {
			l.tb.Fatalf("slot %d was granted to %s while %s had it", slot, member, other)
		}
		l.holder[slot] = member
		l.held[member]++
		l.granted++
	}
}

// slots reads ranges as events write them, "0-127,300".
func (l *ledger) slots(ranges string) (list []int) {
	l.tb.Helper()
	for _, piece := range strings.FieldsFunc(ranges, func(r rune) bool { return r == ',' }) {
		first, last, more := strings.Cut(piece, "-")
		from, err := strconv.Atoi(first)
		to := from
		if more && err == nil {
			to, err = strconv.Atoi(last)
		}
		if err != nil {
			l.tb.Fatalf("slots %q: %v", ranges, err)
		}
		for slot := from; slot <= to; slot++ {
			list = append(list, slot)
		}
	}
	return list
}

// compare asks a node who has which slots.
func (l *ledger) compare(addr string) {
	l.tb.Helper()
	for name := range l.held {
		reply, err := nodetest.Ask(addr, "GROUP", "SLOTS", l.group, "MEMBER", name)
		if err != nil || len(reply.Items) != 2 {
			l.tb.Fatal(reply, err)
		}
		for _, slot := range reply.Items[0].Items {
			if l.holder[int(slot.Int)] != name {
				l.tb.Errorf("%s has slot %d, the events say that %s has it", name, slot.Int, l.holder[int(slot.Int)])
			}
		}
		if n := len(reply.Items[0].Items); n != l.held[name] {
			l.tb.Errorf("%s has %d slots, the events say %d", name, n, l.held[name])
		}
	}
}
