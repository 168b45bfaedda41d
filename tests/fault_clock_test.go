package tests

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/clocks"
	"github.com/caucus-project/caucus/internal/nodetest"
	record "github.com/caucus-project/caucus/tests/chaos/history"
)

// A program whose clocks tests may set is built so; no other knows how.
func TestNoProgramIsMisled(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"caucus": nodetest.Binary(t),
		"misled": nodetest.Misled(t)} {
		program, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if knows := bytes.Contains(program, []byte(clocks.Env)); knows != (name == "misled") {
			t.Errorf("%s knows %s: %v", name, clocks.Env, knows)
		}
	}
}

const decade = 10 * 365 * 24 * time.Hour

// askAll asks every node until each answers as it should.
func askAll(t *testing.T, c *nodetest.Cluster, what string, right func(text string) bool, words ...string) {
	t.Helper()
	for i := range c.Size() {
		last := ""
		nodetest.Eventually(t, fmt.Sprintf("%s at %s, which said %q", what, c.Name(i), last), func() bool {
			r, err := nodetest.Ask(c.Addr(i), words...)
			last = r.Text()
			return err == nil && right(last)
		})
	}
}

// off waits until the leading node says of how many clocks it counts off, in INFO and to monitors.
func off(t *testing.T, c *nodetest.Cluster, n int) {
	t.Helper()
	nodetest.Eventually(t, fmt.Sprint(n, " clocks are off"), func() bool {
		i := c.Leader()
		info, err := nodetest.Ask(c.Addr(i), "INFO", "ensemble")
		return err == nil && strings.Contains(info.Text(), fmt.Sprintf("clocks_off:%d\r\n", n)) &&
			strings.Contains(get(t, c.HTTP(i), "/metrics"), fmt.Sprintf("\ncaucus_clocks_off %d\n", n))
	})
}

// timeGoesOn looks whether the time of the ensemble is as it was: what shall stay for a year is there,
// what is to last for a moment goes, and what is agreed on is done, and not before its time.
func timeGoesOn(t *testing.T, c *nodetest.Cluster, m *client.Member, acts <-chan client.Action) {
	t.Helper()
	year := func(text string) bool {
		left, err := time.ParseDuration(text + "s")
		return err == nil && left <= 365*24*time.Hour && left > 364*24*time.Hour
	}
	askAll(t, c, "a year", year, "TTL", "year")
	nodetest.Eventually(t, "a moment is set", func() bool {
		_, err := nodetest.Ask(c.Addr(0), "SET", "moment", "v", "PX", "300")
		return err == nil
	})
	askAll(t, c, "a moment", func(text string) bool { return text == "-2" }, "TTL", "moment")

	at := time.Now().Add(700 * time.Millisecond).Truncate(time.Millisecond)
	poll, err := m.CallVote(t.Context(), "act", client.VoteOptions{Timeout: time.Minute, At: at})
	if err == nil {
		err = m.Cast(t.Context(), poll, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-acts:
		if early := time.Until(at); a.Poll != poll || early > 500*time.Millisecond {
			t.Errorf("poll %d acted, %d was called; %v before its time", a.Poll, poll, early)
		}
	case <-time.After(nodetest.Patience):
		t.Fatal("nobody acts")
	}
}

// SAFETY A14: the wall clock of a node is set by ten years, forward and back, also of the one that
// leads, while it runs and before it starts. It is said, the ensemble's time goes on, and with it what
// falls due.
func TestA14_TheWallClockOfANodeIsSet(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3, nodetest.OwnClocks())
	if _, err := nodetest.Ask(c.Addr(0), "SET", "year", "v", "EX", fmt.Sprint(365*24*3600)); err != nil {
		t.Fatal(err)
	}
	cl, err := client.Dial(t.Context(), client.Config{Addrs: c.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	s, err := cl.Session(t.Context(), client.SessionOptions{TTL: time.Minute, Grace: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	acts := make(chan client.Action, 10)
	m, err := s.Join(t.Context(), "g", client.JoinOptions{Settle: client.Immediately,
		Tolerance: nodetest.Patience, OnAction: func(a client.Action) { acts <- a }})
	if err != nil {
		t.Fatal(err)
	}
	timeGoesOn(t, c, m, acts)
	lead := c.Leader()
	for _, i := range []int{lead, (lead + 1) % 3} {
		for _, by := range []time.Duration{decade, -2 * decade} {
			set(t, c, i, by)
			off(t, c, 1)
			timeGoesOn(t, c, m, acts)
		}
		set(t, c, i, decade)
		off(t, c, 0)
		all := c.Logs(0) + c.Logs(1) + c.Logs(2)
		if !strings.Contains(all, "more than a second from the median of the voters'") ||
			!strings.Contains(all, "the wall clock of a node counts again") {
			t.Error("no log says so")
		}
	}
	set(t, c, lead, decade) // and now all start anew, that one first, without anybody who knows the time
	for i := range 3 {
		c.Kill(i)
	}
	for i := range 3 {
		c.Restart((lead + i) % 3)
	}
	off(t, c, 1)
	timeGoesOn(t, c, m, acts)
}

func set(t *testing.T, c *nodetest.Cluster, i int, by time.Duration) {
	t.Helper()
	if err := c.Clocks(i).Set(by); err != nil {
		t.Fatal(err)
	}
}

// believer is a process that says when it believes that it leads group g.
type believer struct {
	name string
	in   io.WriteCloser

	mu      sync.Mutex
	leads   uint64 // the term it believes in
	beliefs []record.Belief
	failed  string
}

func startBeliever(t *testing.T, name string, own *nodetest.Clocks, addrs []string) *believer {
	t.Helper()
	b := &believer{name: name}
	cmd := nodetest.Command(t, nodetest.BuildMisled(t, "tests/believer"), addrs...)
	cmd.Env = append(os.Environ(), own.Env())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.in = in
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			b.hear(lines.Text())
		}
	})
	t.Cleanup(func() {
		_ = b.in.Close() // a test that has ended it closed it
		reading.Wait()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	return b
}

func (b *believer) hear(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := record.Belief{What: "g", Holder: b.name}
	if n, _ := fmt.Sscanf(line, "led %d %d %d", &one.Token, &one.From, &one.To); n == 3 {
		b.beliefs, b.leads = append(b.beliefs, one), 0
	} else if n, _ := fmt.Sscanf(line, "leads %d", &b.leads); n != 1 {
		b.failed += line
	}
}

// term gives the term in which it believes, 0 for none.
func (b *believer) term() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.leads
}

func (b *believer) say(t *testing.T, word string) {
	t.Helper()
	if _, err := fmt.Fprintln(b.in, word); err != nil {
		t.Error(err)
	}
}

// inTurn has two believers, who find all nodes, fall silent in turn while they lead, until the other
// leads, and gives all beliefs.
func inTurn(t *testing.T, c *nodetest.Cluster, own [2]*nodetest.Clocks, rounds int) (all []record.Belief) {
	t.Helper()
	var both []*believer
	for i, name := range []string{"a", "b"} {
		both = append(both, startBeliever(t, name, own[i], c.Addrs()))
	}
	for range rounds {
		var first, second *believer
		nodetest.Eventually(t, "one leads", func() bool {
			first, second = both[0], both[1]
			if second.term() != 0 {
				first, second = second, first
			}
			return first.term() != 0
		})
		members := func() bool {
			list, err := nodetest.Ask(c.Addr(0), "GROUP", "MEMBERS", "g")
			return err == nil && len(list.Items) == 2
		}
		nodetest.Eventually(t, "both are there", members)
		first.say(t, "silent")
		nodetest.Eventually(t, "the other leads", func() bool { return second.term() != 0 })
		first.say(t, "heard")
	}
	for _, b := range both {
		if err := b.in.Close(); err != nil {
			t.Error(err)
		}
	}
	nodetest.Eventually(t, "they say all", func() bool { return both[0].term()+both[1].term() == 0 })
	for _, b := range both {
		b.mu.Lock()
		all = append(all, b.beliefs...)
		if b.failed != "" {
			t.Errorf("%s said %s", b.name, b.failed)
		}
		b.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b record.Belief) int { return int(a.From - b.From) })
	return all
}

func rate(t *testing.T, own *nodetest.Clocks, ppm int64) {
	t.Helper()
	if err := own.Rate(ppm); err != nil {
		t.Fatal(err)
	}
}

// SAFETY A2: all clocks of the leading node run fast by one per cent, and those of other nodes, and of a
// client, slow by as much; who is cut off stops believing before another may believe, and nobody complains.
// When the leader's run fast by a fifth that is said, and terms still rise.
func TestA2_ClocksMayDifferByOnePerCent(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3, nodetest.OwnClocks())
	folder := t.TempDir()
	own := [2]*nodetest.Clocks{nodetest.NewClocks(filepath.Join(folder, "a")),
		nodetest.NewClocks(filepath.Join(folder, "b"))}
	rate(t, own[0], -10_000)
	rate(t, own[1], 10_000)
	lead := c.Leader()
	for i := range 3 {
		rate(t, c.Clocks(i), -10_000)
	}
	rate(t, c.Clocks(lead), 10_000)
	all := inTurn(t, c, own, 4)
	if v := record.Exclusive(all); len(v.Wrong) > 0 || len(all) < 4 {
		t.Errorf("%v\nof %v", v.Wrong, all)
	}
	const complaint = "this node's clock and the leader's differ in rate by more than 2 %"
	said := func(i int) bool { return strings.Contains(c.Logs(i), complaint) }
	if said(0) || said(1) || said(2) {
		t.Error("rates that are allowed are said to be wrong")
	}

	lead = c.Leader()
	rate(t, c.Clocks(lead), 200_000)
	for i := range 3 {
		if i == lead {
			continue
		}
		nodetest.Eventually(t, c.Name(i)+" says that a rate is wrong", func() bool {
			info, err := nodetest.Ask(c.Addr(i), "INFO", "ensemble")
			return err == nil && strings.Contains(info.Text(), "clock_rate_off:1") && said(i) &&
				strings.Contains(get(t, c.HTTP(i), "/metrics"), "\ncaucus_clock_rate_off 1\n")
		})
	}
	all = inTurn(t, c, own, 2)
	for i, one := range all[1:] {
		if one.Token < all[i].Token || one.Token == all[i].Token && one.Holder != all[i].Holder {
			t.Errorf("%v, and later %v", all[i], one)
		}
	}
}
