package doors

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// message is one as JSON has it.
type message struct {
	Event, Sender, Kind, To, Payload string
	N, Part, Term, Life, Seq         uint64
	Sent, Received, Time             int64
}

// hears subscribes to a channel, on a connection of RESP3 that goes on doing other things.
func (l line) hears(channel string) {
	l.t.Helper()
	l.do("HELLO 3")
	if r := l.do("SUBSCRIBE " + channel); r.Kind == caucus.KindError {
		l.t.Fatalf("SUBSCRIBE %s: %s", channel, shown(r))
	}
}

// got reads pushes until a message has come.
func (l line) got() (m message) {
	l.t.Helper()
	for m.Event != "message" {
		r := l.push()
		if r.Kind != caucus.KindPush {
			continue
		}
		m = message{}
		if err := json.Unmarshal([]byte(r.Items[len(r.Items)-1].Str), &m); err != nil {
			l.t.Fatalf("%s: %v", shown(r), err)
		}
	}
	if m.Sent <= 0 || m.Received < m.Sent-1_000_000 || m.Received > m.Sent+60_000_000 || m.Life == 0 {
		l.t.Errorf("sent and received at odd times: %+v", m)
	}
	return m
}

// Messages to all reach members on every node, the sender's among them, in the sender's order and
// numbered; those for one reach that one only (A11).
func TestA11_MessagesReachEveryNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	var ears, members []line
	for i := range c.Size() {
		name := string(rune('a' + i))
		l := dial(t, c.Addr(i))
		id := l.do("SESSION OPEN TTL 600000").Str
		l.want("GROUP JOIN g AS "+name+" SETTLE 0", fmt.Sprintf("%q", name))
		members = append(members, l)
		ear := dial(t, c.Addr((i+1)%c.Size())) // a member may listen elsewhere: it shows that it knows the id
		ear.do("SESSION INFO " + id)
		ear.hears("caucus:g:g")
		ear.hears("caucus:m:g:" + name)
		ears = append(ears, ear)
	}
	members[1].want("GROUP SEND g one", "(integer) 3")
	members[1].want("GROUP SEND g two", "(integer) 3")
	members[1].want("GROUP SEND g lead LEADER", "(integer) 1")
	members[1].want("GROUP SEND g yours TO c", "(integer) 1")
	members[1].want("GROUP SEND g three", "(integer) 3")
	members[0].want("GROUP SEND g last ORDERED", "(integer) 3")
	for i, ear := range ears {
		// What goes through the log may overtake what does not, and the other way round.
		var texts []string
		for !slices.Contains(texts, "last") || !slices.Contains(texts, "three") {
			m := ear.got()
			texts = append(texts, m.Payload)
			want := message{Event: "message", Sender: "b", Part: m.Part, Life: m.Life, N: 1, Kind: "all",
				Payload: m.Payload, Sent: m.Sent, Received: m.Received, Time: m.Time}
			switch m.Payload {
			case "two":
				want.N = 2
			case "three":
				want.N = 3
			case "lead":
				want.Kind, want.To = "leader", "a"
			case "yours":
				want.Kind, want.To = "member", "c"
			case "last":
				want.Sender, want.Kind, want.N, want.Term, want.Seq = "a", "ordered", 0, m.Term, m.Seq
			}
			if m != want || m.Kind != "ordered" && m.Part == 0 || m.Kind == "ordered" && m.Term == 0 {
				t.Errorf("%+v, want %+v", m, want)
			}
		}
		slices.Sort(texts)
		want := []string{"last lead one three two", "last one three two", "last one three two yours"}[i]
		if got := strings.Join(texts, " "); got != want {
			t.Errorf("%c heard %q, want %q", 'a'+i, got, want)
		}
	}
}

// The channel of a member is for its own session: neither for others nor for patterns, nor for who had the
// name before (WIRE "Events").
func TestA11_PrivateMessagesArePrivate(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	a, b, other := dial(t, c.Addr(0)), dial(t, c.Addr(0)), dial(t, c.Addr(0))
	a.want("GROUP JOIN g AS a SETTLE 0", `"a"`)
	b.want("GROUP JOIN g AS b", `"b"`)
	for _, channel := range []string{"caucus:m:g:a", "caucus:m:g:nobody", "caucus:m:none:a", "caucus:m:",
		"caucus:m:g:"} {
		if r := b.do("SUBSCRIBE " + channel); !strings.HasPrefix(r.Str, "NOPERM ") {
			t.Errorf("SUBSCRIBE %s by another: %s", channel, shown(r))
		}
	}
	other.do("HELLO 3")
	other.do("PSUBSCRIBE *")
	a.hears("caucus:m:g:a")
	b.want("GROUP SEND g secret TO a", "(integer) 1")
	if m := a.got(); m.Payload != "secret" {
		t.Errorf("%+v", m)
	}
	a.want("GROUP LEAVE g", "(integer) 1")
	b.want("PUBSUB CHANNELS caucus:m:*", "(empty array)")
	heir := dial(t, c.Addr(0))
	heir.want("GROUP JOIN g AS a", `"a"`)
	heir.hears("caucus:m:g:a")
	b.want("GROUP SEND g inherited TO a", "(integer) 1")
	b.want("GROUP SEND g open", "(integer) 2")
	if m := heir.got(); m.Payload != "inherited" {
		t.Errorf("%+v", m)
	}
	a.hears("caucus:g:g")
	b.want("GROUP SEND g end", "(integer) 2")
	if m := a.got(); m.Payload != "end" {
		t.Errorf("who left hears %+v", m)
	}
	if m := other.got(); m.Payload != "open" {
		t.Errorf("a pattern hears %+v", m)
	}
}

// A session that moves begins a new part, and its numbers anew (A11); a payload has a limit.
func TestA11_PartsAndLimits(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	ear, a := dial(t, c.Addr(2)), dial(t, c.Addr(0))
	id := a.do("SESSION OPEN TTL 600000").Str
	a.want("GROUP JOIN g AS a SETTLE 0", `"a"`)
	ear.do("GROUP INFO g")
	ear.hears("caucus:g:g")
	a.want("GROUP SEND g x", "(integer) 1")
	first := ear.got()
	a = dial(t, c.Addr(1))
	a.want("SESSION RESUME "+id, "OK")
	a.want("GROUP SEND g y", "(integer) 1")
	if second := ear.got(); first.N != 1 || second.N != 1 || second.Part <= first.Part {
		t.Errorf("%+v, then %+v", first, second)
	}
	large := strings.Repeat("x", 1<<20)
	a.want("GROUP SEND g "+large, "(integer) 1")
	if m := ear.got(); m.Payload != large || m.N != 2 {
		t.Errorf("%d bytes under %d", len(m.Payload), m.N)
	}
	for _, how := range []string{"", " ORDERED"} {
		if r := a.do("GROUP SEND g x" + large + how); !strings.HasPrefix(r.Str, "ERR a message may have 1048576 ") {
			t.Errorf("one byte more%s: %.200s", how, shown(r))
		}
	}
}
