package tests

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// voter joins a group on one node and votes on all that it is asked: no when the topic is "no".
func voter(t *testing.T, c *nodetest.Cluster, i int, opts client.JoinOptions) (*client.Session,
	*client.Member) {
	t.Helper()
	opts.Settle = client.Immediately
	opts.Handlers = &client.Handlers{OnVote: func(m *client.Member, v client.Vote) {
		if v.Topic != "silence" {
			_ = m.Cast(t.Context(), v.Poll, v.Topic != "no") // a vote that is over already is none to take
		}
	}}
	s, _ := visit(t, c, i, client.SessionOptions{})
	m, err := s.Join(t.Context(), "g", opts)
	if err != nil {
		t.Fatal(err)
	}
	return s, m
}

// A shell lets a group vote, and its status says what it came to (WIRE "Command line").
func TestVoteOnTheCommandLine(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	for i := range c.Size() {
		voter(t, c, i, client.JoinOptions{})
	}
	for _, v := range []struct {
		words  string
		status int
		out    string
	}{
		{"g yes", 0, "yes: "}, {"g yes --consensus", 0, "yes: 3 yes and 0 no of 3"},
		{"g no --timeout 1m", 1, "no: "}, {"g silence --timeout 50ms", 1, "timeout: 0 yes and 0 no of 3"},
		{"g yes --at +30s", 0, "yes: 3 yes and 0 no of 3, at "}, {"g yes --at 2000-01-01T00:00:00Z", 1, ""},
		{"none yes", 1, ""}, {"g", 2, ""}, {"g yes --at tomorrow", 2, ""}, {"g yes --at +-1s", 2, ""},
		{"g/ yes", 2, ""}, {"g yes --timeout 0s", 2, ""}, {"g yes --timeout 9ms", 2, ""},
		{"g yes --timeout 61m", 2, ""},
	} {
		args := append([]string{"vote", "--addr", c.Addr(1)}, strings.Fields(v.words)...)
		status, out, said := verb(t, args...)
		if status != v.status || !strings.HasPrefix(out, v.out) || (v.out == "") == (said == "") {
			t.Errorf("vote %s: %d, %q, %q", v.words, status, out, said)
		}
	}
	if status, _, said := verb(t, "vote", "--addr", "127.0.0.1:1", "g", "x"); status != 1 || said == "" {
		t.Errorf("without an ensemble: %d, %q", status, said)
	}
}

// Without --timeout the group's own holds. Who is interrupted while a vote goes on says that its outcome is
// not known, which is another thing than no.
func TestVoteOnTheCommandLineIsLeft(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	voter(t, c, 0, client.JoinOptions{})
	if _, err := nodetest.Ask(c.Addr(0), "GROUP", "SET", "g", "VOTETIMEOUT", "3600000"); err != nil {
		t.Fatal(err)
	}
	p, err := nodetest.Run("vote", "--addr", c.Addr(0), "g", "silence")
	if err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "the vote is called for an hour", func() bool {
		polls, err := nodetest.Ask(c.Addr(0), "VOTE", "LIST", "g")
		if err != nil || len(polls.Items) == 0 {
			return false
		}
		last := polls.Items[len(polls.Items)-1].Items // ..., deadline, at
		return last[len(last)-3].Int > time.Now().Add(30*time.Minute).UnixMilli()
	})
	if err := p.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if status, err := p.Status(nodetest.Patience); err != nil || status != 3 {
		t.Errorf("status %d, %v: %s", status, err, p.Log())
	}
}

// All members do what was agreed on, once, when its time has come on the ensemble's clock, though the leading
// node is killed before (B15).
func TestB15_ActionsFireEverywhere(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	fired, missed := make(chan client.Action, 9), make(chan error, 9)
	sessions := make([]*client.Session, c.Size())
	members := make([]*client.Member, c.Size())
	for i := range c.Size() {
		sessions[i], members[i] = voter(t, c, i, client.JoinOptions{
			OnAction:  func(a client.Action) { fired <- a },
			OnMissed:  func(_ client.Action, why error) { missed <- why },
			Tolerance: nodetest.Patience,
		})
	}
	now, _, ok := sessions[0].Now()
	if !ok {
		t.Fatal("a member knows no time")
	}
	at := now.Add(2 * time.Second).Truncate(time.Millisecond)
	poll, err := members[0].CallVote(t.Context(), "switch", client.VoteOptions{Timeout: time.Minute, At: at})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := members[1].Result(t.Context(), poll); err != nil || r.Outcome != "yes" || r.Yes != c.Size() {
		t.Fatalf("%+v, %v", r, err)
	}
	c.Kill(c.Leader())
	for range c.Size() {
		select {
		case a := <-fired:
			if a.Poll != poll || a.Topic != "switch" || !a.At.Equal(at) {
				t.Errorf("%+v was fired", a)
			}
		case why := <-missed:
			t.Error("missed: ", why)
		case <-time.After(nodetest.Patience):
			t.Fatal("not all have fired")
		}
	}
	for i, s := range sessions {
		if now, within, _ := s.Now(); now.Add(within).Before(at) {
			t.Errorf("member %d has fired before %v: it is %v", i, at, now)
		}
		_ = s.Close() // its node may be the one that was killed
	}
	if len(fired) > 0 || len(missed) > 0 {
		t.Error("an action was told twice")
	}
}
