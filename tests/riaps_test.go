//go:build linux

package tests

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// What RIAPS' components do with a group, done with ours. docs/riaps.md says which of its names is shown
// where.

// instance is a group as RIAPS would name it: its type and its instance.
const instance = "sensor.north"

// declare makes the group of a fresh ensemble with RIAPS' own timing and what else is stated.
func declare(t *testing.T, options ...string) *nodetest.Cluster {
	t.Helper()
	c := nodetest.Start(t, 3)
	words := append([]string{"GROUP", "CREATE", instance, "SETTLE", "0", "TTL", "3000", "HEARTBEAT", "1000",
		"VOTETIMEOUT", "1500"}, options...)
	if _, err := nodetest.Ask(c.Addr(0), words...); err != nil {
		t.Fatal(err)
	}
	return c
}

// component is a member that RIAPS would call back.
type component struct {
	*client.Member
	t       *testing.T
	session *client.Session
	calls   chan call
}

// call is one of RIAPS' callbacks, with what it tells.
type call struct {
	back   string
	event  client.Event // of members and leaders
	msg    client.Message
	vote   client.Vote
	result client.VoteResult
}

// takePart lets a component join on a node.
func takePart(t *testing.T, c *nodetest.Cluster, node int, name string, opts client.JoinOptions) *component {
	t.Helper()
	cl, err := client.Dial(t.Context(), client.Config{Addrs: []string{c.Addr(node)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cl.Close() })
	x := &component{t: t, calls: make(chan call, 1000)}
	if x.session, err = cl.Session(t.Context(), client.SessionOptions{TTL: 3 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.session.Close() })
	opts.Name, opts.Handlers = name, x.handlers()
	if x.Member, err = x.session.Join(t.Context(), instance, opts); err != nil {
		t.Fatal(err)
	}
	if e := x.hears("handleMemberJoined").event; e.Member != name {
		t.Errorf("%s hears first %s", name, e.Raw)
	}
	return x
}

// handlers call back as RIAPS does.
func (x *component) handlers() *client.Handlers {
	event := func(back string) func(*client.Member, client.Event) {
		return func(_ *client.Member, e client.Event) { x.calls <- call{back: back, event: e} }
	}
	messages := map[string]string{"all": "handleGroupMessage", "ordered": "handleGroupMessage",
		"leader": "handleMessageToLeader", "member": "handleMessageFromLeader"}
	return &client.Handlers{
		OnMessage: func(_ *client.Member, m client.Message) { x.calls <- call{back: messages[m.Kind], msg: m} },
		OnVote: func(_ *client.Member, v client.Vote) {
			back := "handleVoteRequest"
			if !v.At.IsZero() {
				back = "handleActionVoteRequest"
			}
			x.calls <- call{back: back, vote: v}
		},
		OnResult: func(_ *client.Member, v client.Vote, r client.VoteResult) {
			x.calls <- call{back: "handleVoteResult", vote: v, result: r}
		},
		OnJoined: event("handleMemberJoined"), OnLeft: event("handleMemberLeft"),
		OnLeader: event("handleLeaderElected"), OnLeaderless: event("handleLeaderExited"),
	}
}

// next gives what it is called back for next.
func (x *component) next() call {
	x.t.Helper()
	select {
	case c := <-x.calls:
		return c
	case <-time.After(nodetest.Patience):
		x.t.Fatalf("%s is called back for nothing more", x.Name())
		return call{}
	}
}

// hears gives the next call back of a name, and passes over those before it.
func (x *component) hears(back string) (c call) {
	x.t.Helper()
	for c.back != back {
		c = x.next()
	}
	return c
}

// says sends a message.
func (x *component) says(payload string, to client.Recipient, addressed int) {
	x.t.Helper()
	n, err := x.session.Send(x.t.Context(), instance, payload, to)
	if err != nil || n != addressed {
		x.t.Errorf("%s says %q to %+v: %d, %v; want %d", x.Name(), payload, to, n, err, addressed)
	}
}

// info gives a field of GROUP INFO.
func info(t *testing.T, c *nodetest.Cluster, field string) caucus.Reply {
	t.Helper()
	r, err := nodetest.Ask(c.Addr(2), "GROUP", "INFO", instance)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(r.Items, func(name caucus.Reply) bool { return name.Text() == field })
	return r.Items[at+1]
}

// Members join, are counted, lead, leave, are killed and fall silent, and all the others hear of it. Below
// the least number of members nobody leads.
func TestRIAPSMembersAndLeaders(t *testing.T) {
	t.Parallel()
	c := declare(t, "MIN", "2")
	killed, err := nodetest.Run("join", instance, "--as", "killed", "--addr", c.Addr(0), "--", "sleep", "600")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = killed.Signal(syscall.SIGKILL)
		_, _ = killed.Status(nodetest.Patience)
	})
	nodetest.Eventually(t, "the first has joined", func() bool { return info(t, c, "size").Int == 1 })
	if !info(t, c, "leader").IsNil() {
		t.Error("one of two leads")
	}
	a := takePart(t, c, 1, "a", client.JoinOptions{})
	again, err := a.session.Join(t.Context(), instance, client.JoinOptions{})
	if again != a.Member || err != nil {
		t.Errorf("joining again gives %p, %v, not %p", again, err, a.Member)
	}
	if a.Group() != instance || a.Name() != "a" {
		t.Errorf("it is %s of %s", a.Name(), a.Group())
	}
	b := takePart(t, c, 2, "b", client.JoinOptions{})
	if e := a.hears("handleMemberJoined").event; e.Member != "b" || e.Size != 3 {
		t.Errorf("a hears %s", e.Raw)
	}
	leader, err := nodetest.Ask(c.Addr(1), "GROUP", "LEADER", instance)
	if err != nil || leader.Items[0].Text() != "killed" || info(t, c, "size").Int != 3 {
		t.Errorf("leader %+v, %v", leader, err)
	}
	if _, leads := a.IsLeader(); leads {
		t.Error("a believes that it leads")
	}
	if err := killed.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var term uint64
	for _, x := range []*component{a, b} {
		if e := x.hears("handleMemberLeft").event; e.Member != "killed" || e.Size != 2 {
			t.Errorf("%s hears %s", x.Name(), e.Raw)
		}
		e := x.hears("handleLeaderElected").event
		if e.Member != "a" || e.Previous != "killed" {
			t.Errorf("%s hears %s", x.Name(), e.Raw)
		}
		term = e.Term
	}
	nodetest.Eventually(t, "a leads", func() bool { now, leads := a.IsLeader(); return leads && now == term })
	mute, err := nodetest.Dial(c.Addr(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	if _, err := mute.Do("GROUP", "JOIN", instance, "AS", "mute", "TTL", "300"); err != nil {
		t.Fatal(err)
	}
	if e := b.hears("handleMemberLeft").event; e.Member != "mute" || e.Reason != "expired" {
		t.Errorf("of who fell silent b hears %s", e.Raw)
	}
	if err := b.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	a.hears("handleMemberLeft") // mute
	if e := a.hears("handleMemberLeft").event; e.Member != "b" || e.Reason != "left" {
		t.Errorf("of who left a hears %s", e.Raw)
	}
	if e := a.hears("handleLeaderExited").event; e.Previous != "a" || e.Reason != "min" {
		t.Errorf("a leads no more, and hears %s", e.Raw)
	}
	a.cannotAskTheLeader(caucus.ErrNoLeader)
}

// cannotAskTheLeader tries what needs a leader.
func (x *component) cannotAskTheLeader(want error) {
	x.t.Helper()
	ctx := x.t.Context()
	if _, err := x.session.Send(ctx, instance, "x", client.Recipient{Leader: true}); !errors.Is(err, want) {
		x.t.Errorf("to the leader: %v", err)
	}
	poll, err := x.CallVote(ctx, "x", client.VoteOptions{})
	if poll != 0 || !errors.Is(err, caucus.ErrNoLeader) {
		x.t.Errorf("poll %d, %v", poll, err)
	}
	if _, leads := x.IsLeader(); leads {
		x.t.Error("it believes that it leads")
	}
}

// Messages go to all, to the leader, and from the leader to whom it answers, with sender and times.
func TestRIAPSMessages(t *testing.T) {
	t.Parallel()
	c := declare(t, "MIN", "2")
	lead := takePart(t, c, 0, "lead", client.JoinOptions{})
	b, d := takePart(t, c, 1, "b", client.JoinOptions{}), takePart(t, c, 2, "d", client.JoinOptions{})
	all := []*component{lead, b, d}
	check := func(x *component, back, sender, payload string) client.Message {
		t.Helper()
		m := x.hears(back).msg
		if m.Sender != sender || m.Payload != payload {
			t.Errorf("%s hears %+v", x.Name(), m)
		}
		took := m.Received.Sub(m.Sent)
		if m.Sent.Unix() <= 0 || took < -time.Second || took > nodetest.Patience {
			t.Errorf("sent and received at odd times: %+v", m)
		}
		return m
	}
	b.says("bytes \x00\xff", client.Recipient{}, 3)
	for _, x := range all {
		check(x, "handleGroupMessage", "b", "bytes \x00\xff")
	}
	b.says("to whoever leads", client.Recipient{Leader: true}, 1)
	question := check(lead, "handleMessageToLeader", "b", "to whoever leads")
	lead.says("to who asked", client.Recipient{Member: question.Sender}, 1)
	if m := check(b, "handleMessageFromLeader", "lead", "to who asked"); m.Term == 0 {
		t.Errorf("that its sender leads is not said: %+v", m)
	}
	b.says("the end", client.Recipient{}, 3)
	for _, x := range all {
		c := x.next()
		for c.msg.Payload == "" {
			c = x.next()
		}
		if c.msg.Payload != "the end" {
			t.Errorf("%s hears what is for another: %+v", x.Name(), c.msg)
		}
	}
}

// A group without coordination carries messages, and no more.
func TestRIAPSWithoutCoordination(t *testing.T) {
	t.Parallel()
	c := declare(t, "NOLEADER")
	a, b := takePart(t, c, 0, "a", client.JoinOptions{}), takePart(t, c, 1, "b", client.JoinOptions{})
	a.says("hello", client.Recipient{}, 2)
	if m := b.hears("handleGroupMessage").msg; m.Sender != "a" || m.Payload != "hello" {
		t.Errorf("b hears %+v", m)
	}
	a.cannotAskTheLeader(caucus.ErrBad)
}

// Votes end with yes, no or timeout, the same for everyone, and outlive who leads.
func TestRIAPSVotes(t *testing.T) {
	t.Parallel()
	c := declare(t)
	lead := takePart(t, c, 0, "lead", client.JoinOptions{})
	b, d := takePart(t, c, 1, "b", client.JoinOptions{}), takePart(t, c, 2, "d", client.JoinOptions{})
	all := []*component{lead, b, d}
	// call lets b call a vote, and checks that all are asked.
	call := func(topic string, opts client.VoteOptions) uint64 {
		t.Helper()
		poll, err := b.CallVote(t.Context(), topic, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range all {
			v := x.hears("handleVoteRequest").vote
			if v.Poll != poll || v.Topic != topic || v.Caller != "b" || v.Electorate != 3 {
				t.Errorf("%s hears %+v", x.Name(), v)
			}
		}
		return poll
	}
	cast := func(poll uint64, yes bool, voters ...*component) {
		t.Helper()
		for _, x := range voters {
			if err := x.Cast(t.Context(), poll, yes); err != nil {
				t.Errorf("%s: %v", x.Name(), err)
			}
		}
	}
	comes := func(poll uint64, outcome string, hearers ...*component) {
		t.Helper()
		for _, x := range hearers {
			if c := x.hears("handleVoteResult"); c.vote.Poll != poll || c.result.Outcome != outcome {
				t.Errorf("%s hears %+v; want poll %d to be %s", x.Name(), c, poll, outcome)
			}
		}
	}
	long := client.VoteOptions{Timeout: time.Minute}
	poll := call("a majority says yes", long)
	cast(poll, true, b, d)
	comes(poll, "yes", all...)
	poll = call("a majority says no", long)
	cast(poll, false, lead, d)
	comes(poll, "no", all...)
	all3 := client.VoteOptions{Timeout: time.Minute, Kind: client.Consensus}
	poll = call("all say yes", all3)
	cast(poll, true, all...)
	comes(poll, "yes", all...)
	poll = call("one says no", all3)
	cast(poll, true, lead, b)
	cast(poll, false, d)
	comes(poll, "no", all...)
	poll = call("nobody says anything", client.VoteOptions{})
	comes(poll, "timeout", all...)
	if err := d.Cast(t.Context(), poll, true); !errors.Is(err, caucus.ErrConflict) {
		t.Errorf("too late: %v", err)
	}
	poll = call("the leader dies", long)
	if err := lead.session.Close(); err != nil {
		t.Fatal(err)
	}
	cast(poll, true, b, d)
	comes(poll, "yes", b, d)
}

// What all have agreed on is done by all at its time.
func TestRIAPSActions(t *testing.T) {
	t.Parallel()
	c := declare(t)
	done := make(chan client.Action, 9)
	opts := client.JoinOptions{OnAction: func(a client.Action) { done <- a }, Tolerance: nodetest.Patience}
	all := []*component{takePart(t, c, 0, "a", opts), takePart(t, c, 1, "b", opts), takePart(t, c, 2, "d", opts)}
	now, _, ok := all[0].session.Now()
	if !ok {
		t.Fatal("it knows no time")
	}
	at := now.Add(time.Second).Truncate(time.Millisecond)
	poll, err := all[1].CallVote(t.Context(), "close the switch",
		client.VoteOptions{At: at, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		v := x.hears("handleActionVoteRequest").vote
		if v.Poll != poll || v.Kind != client.Consensus || !v.At.Equal(at) {
			t.Errorf("%s hears %+v", x.Name(), v)
		}
		if err := x.Cast(t.Context(), poll, true); err != nil {
			t.Error(err)
		}
	}
	for _, x := range all {
		if c := x.hears("handleVoteResult"); c.result.Outcome != "yes" || !c.vote.At.Equal(at) {
			t.Errorf("%s hears %+v", x.Name(), c)
		}
		select {
		case a := <-done:
			if a.Poll != poll || a.Topic != "close the switch" || !a.At.Equal(at) {
				t.Errorf("%+v was done", a)
			}
		case <-time.After(nodetest.Patience):
			t.Fatal("not all have done it")
		}
	}
	if now, within, _ := all[0].session.Now(); now.Add(within).Before(at) {
		t.Errorf("it was done before %v: it is %v", at, now)
	}
}
