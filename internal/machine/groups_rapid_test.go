package machine_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"pgregory.net/rapid"
)

// happening is an event of a group as a program that listens reads it.
type happening struct {
	Event, Group, Member, Reason, Previous string
	Life, Seq, Time, Epoch, Term           uint64
	Size, Total                            int
	Order                                  uint64
	Poll                                   uint64
	At                                     int64
	Outcome                                string
	Granted, Revoking, Released            string // of slots
}

// listener follows the events of all groups and keeps what they say is so.
type listener struct {
	t      *rapid.T
	tokens map[string]uint64 // the highest term and epoch of each group so far
	groups map[string]*heardOf
}

// heardOf is a group as its events describe it.
type heardOf struct {
	life, seq uint64
	members   map[string]bool
	leader    string
	slots     map[int]string // who holds them
	settled   bool
	total     int
	last      uint64            // seq of the last event of an ended life
	polls     map[uint64]string // by id: "" while it is open, then its outcome
}

func (l *listener) hear(e entry.Event) {
	var h happening
	if err := json.Unmarshal([]byte(e.JSON), &h); err != nil {
		l.t.Fatalf("%v: %s", err, e.JSON)
	}
	if h.Group != e.Group || h.Seq != e.Seq {
		l.t.Fatalf("%q seq %d says of itself %s", e.Group, e.Seq, e.JSON)
	}
	g := l.groups[h.Group]
	if g == nil {
		g = &heardOf{}
		l.groups[h.Group] = g
	}
	if g.life == 0 {
		*g = heardOf{life: h.Life, seq: h.Life, last: g.last, members: map[string]bool{},
			slots: map[int]string{}, polls: map[uint64]string{}}
	}
	if h.Life != g.life || h.Seq != g.seq+1 || h.Seq <= g.last {
		l.t.Fatalf("A16: after life %d seq %d, and %d of an earlier life, came %s", g.life, g.seq, g.last, e.JSON)
	}
	g.seq = h.Seq
	l.take(g, &h)
}

// take changes what is known by what an event says.
func (l *listener) take(g *heardOf, h *happening) {
	switch h.Event {
	case "joined":
		l.must(!g.members[h.Member], h)
		g.members[h.Member] = true
		l.must(h.Size == len(g.members), h)
	case "slots":
		l.slots(g, h)
	case "left":
		l.must(g.members[h.Member], h)
		maps.DeleteFunc(g.slots, func(_ int, holder string) bool { return holder == h.Member })
		delete(g.members, h.Member)
		l.must(h.Size == len(g.members), h)
	case "leader":
		l.must(g.members[h.Member] && (h.Reason == "first") == (h.Previous == ""), h)
		l.rises(h.Group+"'s term", h.Term)
		g.leader = h.Member
	case "leaderless":
		l.must(h.Previous == g.leader && h.Previous != "", h)
		g.leader = ""
	case "settling":
		g.settled = false
		l.must(h.Size == len(g.members), h)
	case "settled":
		l.rises(h.Group+"'s epoch", h.Epoch)
		g.settled, g.total = true, h.Total
		l.must(h.Total == len(g.members), h)
	case "vote":
		l.rises(h.Group+"'s poll", h.Poll)
		g.polls[h.Poll] = ""
	case "result":
		outcome, called := g.polls[h.Poll]
		l.must(called && outcome == "" && h.Outcome != "", h) // every poll ends once
		g.polls[h.Poll] = h.Outcome
	case "action":
		l.must(g.polls[h.Poll] == "yes" && h.Time >= uint64(h.At) && h.At > 0, h)
		g.polls[h.Poll] = "done"
	case "deleted":
		for _, outcome := range g.polls {
			l.must(outcome != "", h)
		}
		l.must(len(g.members) == 0 && g.leader == "", h)
		*g = heardOf{last: h.Seq}
	}
}

func (l *listener) must(ok bool, h *happening) {
	l.t.Helper()
	if !ok {
		l.t.Fatalf("the events before do not fit %+v", *h)
	}
}

// rises checks that terms and epochs of a name only rise, over all its lives (SAFETY A16).
func (l *listener) rises(what string, token uint64) {
	if token <= l.tokens[what] {
		l.t.Fatalf("A16: %s is %d after %d", what, token, l.tokens[what])
	}
	l.tokens[what] = token
}

// believer is what a client makes of its promises (SAFETY A2), on a network that takes no time.
type believer struct {
	sent, promise int64
	version       int64
	known         bool
	index         map[string][2]int64 // group to index and epoch
	leads         map[string]int64    // group to term
	slots         map[string]map[int]bool
}

func (v *believer) believes(now int64) bool { return v.known && 100*(now-v.sent) < 98*v.promise }

func (v *believer) forget() { *v = believer{} }

// turn is another version: what was learnt before is believed no more, but for slots.
func (v *believer) turn() {
	*v = believer{known: true, index: map[string][2]int64{}, leads: map[string]int64{}, slots: v.slots}
	if v.slots == nil {
		v.slots = map[string]map[int]bool{}
	}
}

// world is a bare stage, listened to, with clients that believe.
type world struct {
	*bare
	t        *rapid.T
	listener listener
	beliefs  map[string]*believer
}

func newWorld(t *rapid.T, tb testing.TB) *world {
	w := &world{bare: newBare(tb), t: t, beliefs: map[string]*believer{}}
	w.listener = listener{t: t, tokens: map[string]uint64{}, groups: map[string]*heardOf{}}
	w.watch = w.check
	for i := range 3 {
		w.beliefs[fmt.Sprintf("c%d", i)] = &believer{}
	}
	return w
}

// check holds after every entry.
func (w *world) check() {
	for _, e := range w.Events() {
		w.listener.hear(e)
	}
	w.checkBeliefs()
	w.checkSlotBeliefs()
	if node := w.m.Miscounted(); node != 0 {
		w.t.Fatalf("node %d is said to have %d sessions", node, w.m.SessionsAt(node))
	}
	for _, name := range slices.Sorted(maps.Keys(w.listener.groups)) {
		w.checkGroup(name, w.listener.groups[name])
	}
}

// checkBeliefs: at every moment all assignments believed in a group are of one epoch and no index has two
// holders, and no group has two leaders (SAFETY A3).
func (w *world) checkBeliefs() {
	epochs, holders, leaders := map[string]int64{}, map[string]string{}, map[string]string{}
	for _, c := range slices.Sorted(maps.Keys(w.beliefs)) {
		v := w.beliefs[c]
		if !v.believes(w.now) {
			continue
		}
		for g, share := range v.index {
			if e, ok := epochs[g]; ok && e != share[1] {
				w.t.Fatalf("A3: epochs %d and %d of %s are believed in", e, share[1], g)
			}
			epochs[g] = share[1]
			key := fmt.Sprint(g, share[0])
			if holders[key] != "" {
				w.t.Fatalf("A3: %s and %s believe in index %d of %s", holders[key], c, share[0], g)
			}
			holders[key] = c
		}
		for g := range v.leads {
			if leaders[g] != "" {
				w.t.Fatalf("A3: %s and %s believe that they lead %s", leaders[g], c, g)
			}
			leaders[g] = c
		}
	}
}

// checkGroup compares a group with what its events say, and its indexes with a permutation.
func (w *world) checkGroup(name string, g *heardOf) {
	info := w.read("GROUP", "INFO", name)
	if g.life == 0 || info.Kind == caucus.KindError {
		if g.life != 0 {
			w.t.Fatalf("%s is gone without a word", name)
		}
		return
	}
	values := map[string]caucus.Reply{}
	for i := 0; i < len(info.Items); i += 2 {
		values[info.Items[i].Str] = info.Items[i+1]
	}
	handedOver := values["leader"].IsNil() && w.leadWaits(name) // of which events say nothing until it is done
	if values["size"].Int != int64(len(g.members)) || values["leader"].Str != g.leader && !handedOver ||
		(values["state"].Str == "settled") != g.settled || values["seq"].Int != int64(g.seq) {
		w.t.Fatalf("%s is %s, its events say %+v", name, fmt.Sprint(info.Items), *g)
	}
	w.checkSlots(name, g, values)
	var indexes []int64
	sessions := map[string]bool{}
	for _, m := range w.read("GROUP", "MEMBERS", name).Items {
		indexes = append(indexes, m.Items[5].Int)
		sessions[m.Items[1].Str] = true
	}
	w.checkPolls(name, g)
	if len(sessions) != len(g.members) {
		w.t.Fatalf("%s has members %v, its events say %v", name, sessions, g.members)
	}
	slices.Sort(indexes)
	for i, index := range indexes {
		if g.settled && index != int64(i+1) {
			w.t.Fatalf("B16: the indexes of %s are %v", name, indexes)
		}
	}
}

// checkPolls compares the polls of a group with what its events say, and their ends with the clock.
func (w *world) checkPolls(name string, g *heardOf) {
	for _, p := range w.read("VOTE", "LIST", name).Items {
		id, state, deadline, at := uint64(p.Items[1].Int), p.Items[7].Str, p.Items[15].Int, p.Items[17].Int
		now := epoch0 + w.now
		late := state == "open" && deadline < now || at != 0 && at < now && g.polls[id] == "yes"
		if told := cmp.Or(g.polls[id], "open"); late || told != state && (told != "done" || state != "yes") {
			w.t.Fatalf("B14: poll %d of %s is %v at %d, its events say %s", id, name, p.Items, now, told)
		}
	}
}

func (w *world) leadWaits(group string) bool {
	return slices.ContainsFunc(w.m.Pending(group), func(p machine.Pending) bool { return p.Lead })
}

func (w *world) read(words ...string) caucus.Reply {
	return w.Do("reader", words)
}

// beat is one heartbeat of a client library. A promise that shows another version ends what it believed in;
// otherwise it goes on believing, without asking again.
func (w *world) beat(c string) {
	v := w.beliefs[c]
	r := w.Do(c, caucus.Command{"SESSION", "KEEPALIVE"})
	if r.Kind == caucus.KindError {
		v.forget()
		return
	}
	if !v.known || v.version != r.Items[2].Int {
		v.turn()
	}
	v.sent, v.promise, v.version = w.now, r.Items[0].Int, r.Items[2].Int
}

// learn reads what a client holds in a group, under the promise that it has.
func (w *world) learn(c string, v *believer, g string) {
	if !v.known {
		return
	}
	delete(v.index, g)
	delete(v.leads, g)
	w.learnSlots(c, v, g)
	if r := w.Do(c, caucus.Command{"GROUP", "INDEX", g}); r.Kind == caucus.KindArray {
		v.index[g] = [2]int64{r.Items[0].Int, r.Items[2].Int}
		name := w.Do(c, caucus.Command{"GROUP", "JOIN", g}).Str
		l := w.Do(c, caucus.Command{"GROUP", "LEADER", g})
		if l.Kind == caucus.KindArray && l.Items[0].Str == name {
			v.leads[g] = l.Items[1].Int
		}
	}
}

var groupNames = []string{"one", "two"}

// act draws and does one thing.
func (w *world) act() {
	t := w.t
	c := fmt.Sprintf("c%d", rapid.IntRange(0, 2).Draw(t, "client"))
	g := rapid.SampledFrom(groupNames).Draw(t, "group")
	switch rapid.IntRange(0, 32).Draw(t, "act") {
	case 0, 1, 2:
		w.join(c, g)
	case 3:
		delete(w.beliefs[c].index, g)
		delete(w.beliefs[c].leads, g)
		delete(w.beliefs[c].slots, g)
		w.Do(c, caucus.Command{"GROUP", "LEAVE", g})
	case 4:
		delete(w.beliefs[c].leads, g)
		w.Do(c, caucus.Command{"GROUP", "RESIGN", g})
	case 5:
		w.Do(c, caucus.Command{"GROUP", "META", g, rapid.String().Draw(t, "meta")})
	case 6:
		w.HangUp(c) // the process is dead with its connection
		w.beliefs[c].forget()
	case 7:
		w.resume(c)
	case 8:
		w.beliefs[c].forget()
		w.Do(c, caucus.Command{"SESSION", "CLOSE"})
	case 9:
		w.Do(c, strings.Fields(fmt.Sprintf("GROUP CREATE %s SETTLE %d MIN %d", g, 300, 2)))
	case 10, 11:
		delete(w.beliefs[c].leads, g)
		w.Do(c, caucus.Command{"GROUP", "TRANSFER", g, w.someone(g)})
	case 12:
		w.Do(c, caucus.Command{"GROUP", "EVICT", g, w.someone(g)})
	case 13:
		w.Do(c, append(caucus.Command{"GROUP", "SET", g},
			rapid.SampledFrom(settings).Draw(t, "setting")...))
	case 14:
		w.Do(c, caucus.Command{"GROUP", "DELETE", g})
	case 15, 16:
		w.Do(c, append(caucus.Command{"VOTE", "CALL", g, "x"}, w.callOptions()...))
	case 17, 18, 19, 20, 21:
		w.cast(c, g)
	case 22, 23:
		w.release(c, w.beliefs[c], g)
	default:
		w.Advance(w.now + rapid.Int64Range(1, 700).Draw(t, "ms"))
		w.check()
		switch rapid.IntRange(0, 3).Draw(t, "beat") {
		case 0, 1:
			w.beat(c)
			w.learn(c, w.beliefs[c], g)
		case 2:
			w.beat(c)
		}
	}
}

var settings = []caucus.Command{{"MIN", "1"}, {"MIN", "2"}, {"MIN", "3"}, {"SLOTS", "8", "MIN", "1"},
	{"SLOTS", "3"}, {"SLOTS", "0"},
	{"NOLEADER", "1"}, {"NOLEADER", "0"}, {"SETTLE", "0"}, {"SETTLE", "300", "GRACE", "0"}}

// callOptions draws how a vote is called.
func (w *world) callOptions() (options caucus.Command) {
	if kind := rapid.SampledFrom([]string{"", "MAJORITY", "CONSENSUS"}).Draw(w.t, "kind"); kind != "" {
		options = append(options, kind)
	}
	if rapid.Bool().Draw(w.t, "action") {
		at := epoch0 + w.now + rapid.Int64Range(1, 3000).Draw(w.t, "at")
		options = append(options, "AT", fmt.Sprint(at))
	}
	return options
}

// cast lets a client vote in one of the polls of a group, also in one that is over.
func (w *world) cast(c, g string) {
	if polls := w.read("VOTE", "LIST", g).Items; len(polls) > 0 {
		poll := rapid.SampledFrom(polls).Draw(w.t, "poll").Items[1].Int
		w.Do(c, caucus.Command{"VOTE", "CAST", g, fmt.Sprint(poll),
			rapid.SampledFrom([]string{"YES", "YES", "NO"}).Draw(w.t, "vote")})
	}
}

// someone draws a member of a group.
func (w *world) someone(group string) string {
	all := w.read("GROUP", "MEMBERS", group).Items
	if len(all) == 0 {
		return "nobody"
	}
	return rapid.SampledFrom(all).Draw(w.t, "member").Items[1].Str
}

func (w *world) join(c, g string) {
	cmd := caucus.Command{"GROUP", "JOIN", g}
	option := func(name string, values ...string) {
		if v := rapid.SampledFrom(values).Draw(w.t, name); v != "" {
			cmd = append(cmd, name, v)
		}
	}
	option("AS", "", "", "x", "m3")
	option("SETTLE", "", "0", "300")
	option("MIN", "", "2")
	option("SLOTS", "", "5")
	option("PRIORITY", "", "-3", "7")
	option("TTL", "", "1500")
	option("GRACE", "", "0", "400")
	w.Do(c, cmd)
	w.check()
}

// resume moves the session of a client to a new connection of its own.
func (w *world) resume(c string) {
	old := w.clients[c]
	if old == nil || old.id == "" {
		return
	}
	w.clients[c] = nil
	w.Do(c, caucus.Command{"SESSION", "RESUME", old.id})
}

func TestA3_A16_RandomLivesKeepTheRules(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r, t)
		for range rapid.IntRange(1, 120).Draw(r, "length") {
			w.act()
		}
		w.Advance(w.now + 60_000)
		w.check()
		saved := w.m.SavedGroups()
		if err := w.m.ReloadGroups(); err != nil {
			r.Fatal(err)
		}
		if w.m.SavedGroups() != saved {
			r.Fatal("what was loaded is not what was saved")
		}
	})
}

func TestReloadedGroupsGoOnAlike(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r, t)
		for range rapid.IntRange(1, 60).Draw(r, "length") {
			w.act()
			if err := w.m.ReloadGroups(); err != nil {
				r.Fatal(err)
			}
			w.check()
		}
	})
}
