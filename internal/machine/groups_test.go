package machine_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

func TestA3_GrantOfAnOldTokenIsRefused(t *testing.T) {
	b := newBare(t)
	b.do("a", "GROUP JOIN g SETTLE 500")
	old := b.m.Pending("g")
	b.do("b", "GROUP JOIN g")
	b.note(machine.Grant("g", old[0].Token), machine.Grant("g", 0), machine.Grant("nosuch", 1))
	if !b.do("a", "GROUP INDEX g").IsNil() {
		t.Fatal("a decision about an earlier membership settled the group")
	}
	b.note(machine.Grant("g", b.m.Pending("g")[0].Token))
	if b.do("a", "GROUP INDEX g").IsNil() || len(b.m.Pending("g")) != 0 {
		t.Error("the decision about this membership did not settle the group")
	}
}

func TestA3_GrantBesideAnEndInOneEntryIsRefused(t *testing.T) {
	b := newBare(t)
	b.do("a", "GROUP JOIN g SETTLE 500")
	b.do("b", "GROUP JOIN g")
	s := b.of("a")
	b.note(machine.End(s.ID, s.Attach, bareTerm, machine.Expired), machine.Grant("g", b.m.Pending("g")[0].Token))
	if !b.do("b", "GROUP INDEX g").IsNil() {
		t.Error("the group settled although its membership changed in the same entry")
	}
}

func TestA3_HoldersAreThoseWithAnIndexAndStillThere(t *testing.T) {
	b := newBare(t)
	for _, c := range []string{"a", "b", "c"} {
		b.do(c, "GROUP JOIN g SETTLE 500")
	}
	if p := b.m.Pending("g")[0]; len(p.Holders) != 0 || p.Settle != 500 {
		t.Fatalf("before the first settling: %+v", p)
	}
	b.Advance(600)
	b.do("d", "GROUP JOIN g")
	b.do("b", "GROUP LEAVE g")
	p := b.m.Pending("g")[0]
	want := []entry.Session{b.of("a").ID, b.of("c").ID}
	if !slices.Equal(p.Holders, want) {
		t.Errorf("holders are %v, want %v", p.Holders, want)
	}
	if v := b.m.Version(want[0]); v != p.Token {
		t.Errorf("the version of a holder is %d, the token %d", v, p.Token)
	}
}

func TestA3_WhoEndTogetherUnsettleOnceAndLeaveOneLeader(t *testing.T) {
	b := newBare(t)
	for _, c := range []string{"a", "b", "c"} {
		b.do(c, "GROUP JOIN g SETTLE 500 AS "+c)
	}
	b.Advance(600)
	b.happened()
	var ends []entry.Op
	for _, c := range []string{"a", "b"} {
		ends = append(ends, machine.End(b.of(c).ID, b.of(c).Attach, bareTerm, machine.Expired))
	}
	b.note(ends...)
	want := []string{"left a", "left b", "leader c", "settling"}
	if got := b.happened(); !slices.Equal(got, want) {
		t.Errorf("events are %q, want %q", got, want)
	}
}

func TestA3_LeadTakenByMinIsGrantedOnlyAfterItsHolder(t *testing.T) {
	b := newBare(t)
	b.do("a", "GROUP JOIN g SETTLE 5000 MIN 2") // so long that nobody holds an index
	b.do("b", "GROUP JOIN g")
	b.do("b", "GROUP LEAVE g")
	p := b.m.Pending("g")[0]
	if want := []entry.Session{b.of("a").ID}; !slices.Equal(p.Holders, want) || b.m.Version(want[0]) < p.Token {
		t.Fatalf("the leadership waits for %+v, its holder's version is %d", p, b.m.Version(want[0]))
	}
	b.do("c", "GROUP JOIN g PRIORITY 5")
	if r := b.do("c", "GROUP LEADER g"); !r.IsNil() {
		t.Fatalf("%+v leads while a may believe that it does", r)
	}
	b.note(machine.Grant("g", p.Token))
	if r := b.do("c", "GROUP LEADER g"); r.IsNil() || r.Items[0].Str != "m3" {
		t.Errorf("%+v leads, want the first in line", r)
	}
}

// A name that another session holds is refused with what the state knows of that one's silence.
func TestA18_ConflictTellsOfTheHoldersSilence(t *testing.T) {
	b := newBare(t)
	b.do("a", "SESSION OPEN TTL 8000 GRACE 700")
	b.do("a", "GROUP JOIN g AS a")
	conflict := func(want string) {
		t.Helper()
		r := b.Do("b", caucus.Command{"GROUP", "JOIN", "g", "AS", "a"})
		if want = "CONFLICT member 'a' of group 'g' is held by another session" + want; r.Str != want {
			t.Errorf("got %q, want %q", r.Str, want)
		}
	}
	conflict("")
	b.note(machine.Mark(3, []entry.Session{b.of("a").ID}))
	conflict(", which was silent for at least 6000 of its 8000 ms")
	b.HangUp("a")
	conflict(", whose connection was closed; it ends within 700 ms unless it is resumed")
}

func TestA18_JoinInATransactionIsOneMembership(t *testing.T) {
	b := newBare(t)
	id := entry.Session{5}
	r := b.batch(entry.Op{Fresh: id, Bound: true, Args: caucus.Command{"EXEC"}, Queue: []caucus.Command{
		{"GROUP", "JOIN", "g", "SETTLE", "0"}, {"GROUP", "JOIN", "g"},
		{"GROUP", "JOIN", "h"}, {"GROUP", "META", "h", "x"},
	}})[0]
	if r.Attach == 0 || len(r.Reply.Items) != 4 || r.Reply.Items[1].Str != "m1" || r.Reply.Items[3].Str != "OK" {
		t.Fatalf("got %+v", r)
	}
	if s, ok := b.m.Session(id); !ok || s.Attach != r.Attach {
		t.Errorf("the session is %+v, the connection carries attachment %d", s, r.Attach)
	}
}

func TestB12_AViewNeverChanges(t *testing.T) {
	b := newBare(t)
	for i := range 200 {
		b.do(fmt.Sprintf("c%d", i), fmt.Sprintf("GROUP JOIN g%d SETTLE 100 MIN 2 SLOTS 64 AS c%d", i%7, i))
	}
	b.Advance(150)
	polls := map[string]int64{}
	for i := range 14 {
		g := fmt.Sprintf("g%d", i%7)
		polls[g] = b.do("c0", "VOTE CALL "+g+" x").Int
		b.do(fmt.Sprintf("c%d", i), fmt.Sprintf("VOTE CAST %s %d YES", g, polls[g]))
	}
	view := b.m.View()
	before := view.SavedGroups()
	var readers sync.WaitGroup
	readers.Go(func() {
		for range 20 {
			if view.SavedGroups() != before {
				t.Error("the view changes while it is read")
			}
		}
	})
	for i := range 200 {
		c, g := fmt.Sprintf("c%d", i), fmt.Sprintf("g%d", i%7)
		b.do(c, "GROUP META "+g+" new")
		b.Do(c, caucus.Command{"VOTE", "CAST", g, fmt.Sprint(polls[g]), "NO"})
		b.Do(c, caucus.Command{"VOTE", "CALL", g, "y", "TIMEOUT", "2000"})
		b.Do(c, caucus.Command{"GROUP", "RESIGN", g})
		b.Do(c, caucus.Command{"GROUP", "TRANSFER", g, fmt.Sprintf("c%d", i+7)})
		b.do(c, fmt.Sprintf("GROUP SET %s SLOTS %d", g, i))
		b.do(c, "GROUP JOIN "+g+" PRIORITY 3")
		b.do(c, "GROUP RELEASE "+g+" 1 2 3 5 8 13 21 34 55")
		switch i % 4 {
		case 0:
			b.HangUp(c)
		case 1:
			b.do(c, "GROUP LEAVE "+g)
		case 2:
			b.do(c, "SESSION CLOSE")
		case 3:
			b.do(c, "GROUP EVICT "+g+" "+c)
		}
	}
	b.Advance(30_000)
	readers.Wait()
	if view.SavedGroups() != before {
		t.Error("the view changed")
	}
	if b.m.SavedGroups() == before {
		t.Error("nothing was changed")
	}
}

func TestNewNodesNameAndSettleAreUsedForNewGroups(t *testing.T) {
	b := newBare(t)
	b.do("a", "GROUP JOIN g .SETTLE 250")
	b.do("b", "GROUP JOIN g .SETTLE 999")
	if got := b.do("a", "GROUP INFO g").Field("settle").Int; got != 250 {
		t.Errorf("SETTLE is %d, want that of the node of the first member", got)
	}
	node := b.do("a", "GROUP MEMBERS g").Items[0].Field("node").Str
	if node != "n1" {
		t.Errorf("the member is at node %q", node)
	}
}

func TestHelpListsTheTable(t *testing.T) {
	b := newBare(t)
	for _, container := range []string{"GROUP", "SESSION", "VOTE"} {
		lines := b.do("a", container+" HELP").Items
		var text strings.Builder
		for _, l := range lines {
			text.WriteString(l.Str + "\n")
		}
		want := map[string]string{"GROUP": "JOIN group", "SESSION": "OPEN [", "VOTE": "CALL group topic"}[container]
		if !strings.Contains(text.String(), want) {
			t.Errorf("%s HELP says\n%s", container, &text)
		}
	}
}

func FuzzLoad(f *testing.F) {
	b := newBare(f)
	b.do("a", "SESSION OPEN")
	b.do("a", "ONCE 1 GROUP JOIN g SETTLE 0 META x")
	b.do("a", fmt.Sprintf("VOTE CAST g %d NO", b.do("a", "VOTE CALL g x").Int))
	whole := b.m.SavedOne()
	if err := machine.Loaded(whole); err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for i := range len(whole) {
		f.Add(whole[:i])
		f.Add(whole[:i] + string(rune(whole[i]^0x55)) + whole[i+1:])
	}
	f.Fuzz(func(t *testing.T, data string) {
		_ = machine.Loaded(data) // must not panic
	})
}

// BenchmarkJoin joins and leaves a group that has members already, in the middle of its settle period.
func BenchmarkJoin(b *testing.B) {
	for _, members := range []int{100, 10_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			st := newBare(b)
			crowd(st, members)
			fresh := entry.Session{1}
			ops := []entry.Op{
				{Fresh: fresh, Args: caucus.Command{"GROUP", "JOIN", "g"}},
				{Session: fresh, Args: caucus.Command{"SESSION", "CLOSE"}},
			}
			b.ReportAllocs()
			for b.Loop() {
				for i := range ops {
					applyOnly(b, st, ops[i])
				}
			}
		})
	}
}

// BenchmarkSettle settles a group of 10,000.
func BenchmarkSettle(b *testing.B) {
	st := newBare(b)
	crowd(st, 10_000)
	fresh := entry.Session{1}
	b.ReportAllocs()
	for b.Loop() {
		applyOnly(b, st, entry.Op{Fresh: fresh, Args: caucus.Command{"GROUP", "JOIN", "g"}})
		applyOnly(b, st, entry.Op{Session: fresh, Args: caucus.Command{"SESSION", "CLOSE"}})
		st.index++
		token := st.m.Pending("g")[0].Token
		e := entry.Entry{Notes: []entry.Op{machine.Grant("g", token)}}
		if _, err := st.m.Apply(st.index, bareTerm, &e, steps{}); err != nil {
			b.Fatal(err)
		}
	}
}

func crowd(st *bare, members int) {
	for i := range members {
		id := entry.Session{2, byte(i >> 8), byte(i)}
		applyOnly(st.t, st, entry.Op{Fresh: id, Args: caucus.Command{"GROUP", "JOIN", "g", "SETTLE", "500"}})
	}
}

// applyOnly applies an operation without the model of the leader's clocks, which costs more.
func applyOnly(t testing.TB, st *bare, op entry.Op) {
	st.number++
	st.index++
	batch := entry.Batch{Node: 1, Boot: entry.Boot{1}, Number: st.number, Ops: []entry.Op{op}}
	e := entry.Entry{Batches: []entry.Batch{batch}}
	out, err := st.m.Apply(st.index, bareTerm, &e, steps{})
	if err != nil || out.Batches[0].Results[0].Reply.Kind == caucus.KindError {
		t.Fatal(err, out)
	}
}
