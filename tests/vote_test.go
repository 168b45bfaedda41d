package tests

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// voter joins a group on one node and says yes or no to what it is asked, with the topic "no" no.
func voter(t *testing.T, c *nodetest.Cluster, i int) *client.Member {
	t.Helper()
	cl, err := client.Dial(t.Context(), client.Config{Addrs: []string{c.Addr(i)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cl.Close() })
	s, err := cl.Session(t.Context(), client.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	m, err := s.Join(t.Context(), "g", client.JoinOptions{Settle: client.Immediately})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// answer lets a member vote on all that it is asked from now on.
func answer(t *testing.T, cl *client.Client, m *client.Member) {
	t.Helper()
	ready := make(chan struct{})
	go func() {
		for e, err := range cl.Events(t.Context(), "g") {
			if err != nil {
				return // the test is over
			}
			select {
			case <-ready:
			default:
				close(ready)
			}
			if e.Kind == "vote" && e.Topic != "silence" {
				_ = m.Cast(t.Context(), e.Poll, e.Topic != "no") // a vote that is over already is none to take
			}
		}
	}()
	nodetest.Eventually(t, "events are heard", func() bool {
		select {
		case <-ready:
			return true
		default:
			_, err := cl.Do(t.Context(), caucus.Command{"VOTE", "CALL", "g", "silence", "TIMEOUT", "10"})
			return err != nil
		}
	})
}

// A shell lets a group vote, and its status says what it came to (WIRE "Command line").
func TestVoteOnTheCommandLine(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	for i := range c.Size() {
		m := voter(t, c, i)
		cl, err := client.Dial(t.Context(), client.Config{Addrs: []string{c.Addr(i)}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cl.Close() })
		answer(t, cl, m)
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
