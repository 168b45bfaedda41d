package client_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// chronicle is a group with events that can be read again, the first of which has seq 2, and what the
// handlers of its member were told.
type chronicle struct {
	*group
	events []string
	oldest int // seq of the oldest that is kept
	polls  []caucus.Reply

	f    *fake
	s    *client.Session
	m    *client.Member
	told chan string
}

// add makes an event; rest are its own fields.
func (g *chronicle) add(kind, rest string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.put(kind, rest)
}

func (g *chronicle) put(kind, rest string) string {
	g.events = append(g.events, fmt.Sprintf(`{"event":%q,"group":"g","life":1,"seq":%d,"time":9%s}`, kind,
		len(g.events)+2, rest))
	return g.events[len(g.events)-1]
}

// tell makes an event and has it heard.
func (g *chronicle) tell(kind, rest string) { g.f.publish("g", g.add(kind, rest)) }

func (g *chronicle) answer(l *fakeLine, cmd caucus.Command) *caucus.Reply {
	word := cmd[0]
	if len(cmd) > 1 {
		word += " " + cmd[1]
	}
	g.mu.Lock()
	switch word {
	case "GROUP JOIN":
		g.put("joined", `,"member":"just before","size":1`)
		g.put("joined", `,"member":"m1","size":2`)
	case "GROUP INFO":
		defer g.mu.Unlock()
		return reply(caucus.Map(caucus.Bulk("life"), caucus.Int(1), caucus.Bulk("seq"),
			caucus.Int(int64(len(g.events)+1)), caucus.Bulk("oldest"), caucus.Int(int64(g.oldest))))
	case "GROUP EVENTS":
		defer g.mu.Unlock()
		return g.since(cmd[4])
	case "VOTE LIST":
		defer g.mu.Unlock()
		return reply(caucus.Array(g.polls...))
	}
	g.mu.Unlock()
	return g.group.answer(l, cmd)
}

func (g *chronicle) since(seq string) *caucus.Reply {
	from, err := strconv.Atoi(seq)
	if err != nil || from < g.oldest {
		return fail(caucus.ErrGap, "too old")
	}
	var items []caucus.Reply
	for ; from < len(g.events)+2; from++ {
		items = append(items, caucus.Array(caucus.Int(int64(from)), caucus.Bulk(g.events[from-2])))
	}
	return reply(caucus.Array(items...))
}

// handlers say what they are told.
func (g *chronicle) handlers() *client.Handlers {
	event := func(name string) func(*client.Member, client.Event) {
		return func(m *client.Member, e client.Event) {
			g.told <- fmt.Sprint(name, " ", m.Name(), ": ", e.Member, " ", e.Previous, " ", e.Term, " ", e.From,
				"-", e.Oldest)
		}
	}
	return &client.Handlers{
		OnMessage: func(_ *client.Member, m client.Message) {
			g.told <- fmt.Sprint("message ", m.Kind, " ", m.Sender, " ", m.Term, " ", m.Payload, " ",
				m.Part, ".", m.N, " ", m.Sent.UnixMicro(), "-", m.Received.UnixMicro())
		},
		OnVote: func(_ *client.Member, v client.Vote) {
			g.told <- fmt.Sprint("vote ", v.Poll, " ", v.Topic, " ", v.Kind == client.Consensus, " ", v.Caller, " ",
				v.Electorate, " ", v.Deadline.UnixMilli(), " ", v.At.IsZero())
		},
		OnResult: func(_ *client.Member, v client.Vote, r client.VoteResult) {
			g.told <- fmt.Sprint("result ", v.Poll, " ", v.Topic, " ", v.At.UnixMilli(), " ",
				v.Deadline.IsZero(), " ", r)
		},
		OnJoined: event("joined"), OnLeft: event("left"),
		OnLeader: event("leader"), OnLeaderless: event("leaderless"), OnGap: event("gap"),
	}
}

// attended is a member of such a group with handlers.
func attended(t *testing.T, before ...string) *chronicle {
	t.Helper()
	g := &chronicle{group: settled(), oldest: 2, told: make(chan string, 99)}
	for _, kind := range before {
		g.put(kind, `,"member":"m0","poll":1`)
	}
	g.f = startFake(t, g.answer)
	g.s = opened(t, new(clocks), g.f)
	var err error
	if g.m, err = g.s.Join(within(t), "g", client.JoinOptions{Handlers: g.handlers()}); err != nil {
		t.Fatal(err)
	}
	g.want(t, "joined m1: m1  0 0-0")
	return g
}

func (g *chronicle) want(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := next(t, g.told); got != w {
			t.Fatalf("was told %q, want %q", got, w)
		}
	}
}

// Whatever RIAPS calls a component for has its handler, in the order in which it happened.
func TestHandlersAreToldWhatHappens(t *testing.T) {
	g := attended(t, "joined", "leader", "vote")
	own := func(payload string) { g.f.say(caucus.MemberChannel("g", "m1"), payload) }
	message := func(kind, sender string, n int) string {
		return fmt.Sprintf(`{"event":"message","group":"g","life":1,"n":%d,"time":9,"sender":%q,"part":4,`+
			`"kind":%q,"to":null,"term":5,"payload":"p","sent":6,"received":7}`, n, sender, kind)
	}
	g.tell("joined", `,"member":"m2","size":3`)
	g.f.publish("g", message("all", "m2", 1))
	own(message("leader", "m2", 1))
	own(message("member", "m0", 2))
	g.tell("message", `,"sender":"m0","kind":"ordered","term":3,"payload":"o","sent":6,"received":7`)
	g.tell("vote", `,"poll":8,"topic":"t","kind":"majority","caller":"m2","electorate":3,"deadline":50,`+
		`"at":null`)
	g.tell("vote", `,"poll":9,"topic":"u","kind":"consensus","caller":null,"electorate":3,"deadline":51,`+
		`"at":60`)
	g.tell("result", `,"poll":9,"topic":"u","kind":"consensus","outcome":"yes","yes":3,"no":0,"electorate":3,`+
		`"at":60`)
	g.tell("leader", `,"member":"m1","term":7,"previous":"m0","reason":"lost"`)
	g.tell("settling", "")
	g.tell("left", `,"member":"m2","reason":"lost","size":1`)
	g.tell("leaderless", `,"previous":"m1","term":7,"reason":"min"`)
	g.want(t, "joined m1: m2  0 0-0", "message all m2 5 p 4.1 6-7", "message leader m2 5 p 4.1 6-7",
		"message member m0 5 p 4.2 6-7", "message ordered m0 3 o 0.0 6-7", "vote 8 t false m2 3 50 true",
		"vote 9 u true  3 51 false", "result 9 u 60 true {yes 3 0 3}", "leader m1: m1 m0 7 0-0",
		"left m1: m2  0 0-0", "leaderless m1:  m1 7 0-0")
	if err := g.m.Leave(within(t)); err != nil {
		t.Fatal(err)
	}
	g.tell("joined", `,"member":"m3","size":3`)
	if err := g.s.Close(); err != nil || len(g.told) > 0 {
		t.Errorf("%v; %d were told to a member that had left", err, len(g.told))
	}
}

// What happened while no node was in reach is told when one is, and nothing twice. The private channel is
// asked for by whoever knows the session's id, again at every node.
func TestA11_HandlersGoOnWithoutAGap(t *testing.T) {
	g := attended(t)
	g.tell("joined", `,"member":"a"`)
	g.want(t, "joined m1: a  0 0-0")
	g.f.cut()
	g.add("joined", `,"member":"b"`)
	g.add("vote", `,"poll":8,"topic":"t","kind":"majority","deadline":1`)
	g.f.await("SUBSCRIBE caucus:g:g caucus:m:g:m1", 2)
	g.want(t, "joined m1: b  0 0-0", "vote 8 t false  0 1 true")
	g.tell("joined", `,"member":"c"`)
	g.want(t, "joined m1: c  0 0-0")
	if n := g.f.count("SESSION INFO " + g.s.ID()); n != 2 {
		t.Errorf("the session was named %d times", n)
	}
}

// What is not kept any more is said to be missing; the votes that are open are told, each once.
func TestA11_AGapIsToldWithTheOpenVotes(t *testing.T) {
	g := attended(t)
	g.tell("vote", `,"poll":8,"topic":"t","kind":"majority","deadline":1`)
	g.want(t, "vote 8 t false  0 1 true")
	g.f.cut()
	g.set(func(*group) {
		for range 9 {
			g.put("metadata", "")
		}
		g.oldest = 9
		g.polls = []caucus.Reply{poll(8, "open", 0), poll(9, "no", 0), poll(10, "open", 0)}
		g.put("vote", `,"poll":10,"topic":"t10","kind":"majority","deadline":1`)
		g.put("vote", `,"poll":11,"topic":"u","kind":"majority","deadline":1`)
	})
	g.want(t, "gap m1:   0 5-9", "vote 10 t10 false  0 -62135596800000 true", "vote 11 u false  0 1 true")
}

// A handler that takes its time holds up nothing but those after it.
func TestASlowHandlerBlocksNoBelief(t *testing.T) {
	g, w := &chronicle{group: settled(), oldest: 2, told: make(chan string, 99)}, newWorker()
	g.f = startFake(t, g.answer)
	g.s = opened(t, new(clocks), g.f)
	may := make(chan struct{})
	release := sync.OnceFunc(func() { close(may) })
	defer close(w.may)
	defer release()
	m, err := g.s.Join(within(t), "g", client.JoinOptions{OnRevoke: w.stop, Handlers: &client.Handlers{
		OnVote: func(m *client.Member, v client.Vote) {
			<-may
			_, leads := m.IsLeader()
			g.told <- fmt.Sprint(v.Poll, " ", leads, " ", m.Cast(context.Background(), v.Poll, true))
		}}})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, m)
	g.f.await("SUBSCRIBE", 2)
	g.tell("vote", `,"poll":8`)
	g.tell("vote", `,"poll":9`)
	g.f.revoke(g.group, "m2")
	w.awaitTold(t)
	w.may <- struct{}{}
	g.set(func(g *group) { g.epoch = 5 })
	beats := g.f.count("SESSION KEEPALIVE")
	g.f.publish("g", `{"event":"settled","group":"g"}`)
	holds(t, m)
	g.f.await("SESSION KEEPALIVE", beats+1)
	release()
	g.want(t, "8 false <nil>", "9 false <nil>")
}
