package client_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// inside gives a client and a session at a real node.
func inside(t *testing.T) (*client.Client, *client.Session) {
	t.Helper()
	addr, _, _ := nodetest.InProcess(t, 1, nil)[0].Addresses()
	c := dial(t, client.Config{Addrs: []string{addr}})
	s, err := c.Session(within(t), client.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return c, s
}

// answers checks a call's answer.
func answers[T comparable](t *testing.T, call string, want T) func(T, error) {
	return func(got T, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s gave %v, %v; want %v", call, got, err, want)
		}
	}
}

// The typed calls do what the commands do, for a client and for a session.
func TestStore(t *testing.T) {
	c, s := inside(t)
	for name, st := range map[string]client.Store{"client": c.Store, "session": s.Store} {
		t.Run(name, func(t *testing.T) { useStore(t, st) })
	}
}

func useStore(t *testing.T, s client.Store) {
	ctx := within(t)
	get := func(key string) string {
		t.Helper()
		v, ok, err := s.Get(ctx, key)
		if err != nil || !ok && v != "" {
			t.Fatalf("%q, %v, %v", v, ok, err)
		}
		return v + map[bool]string{true: "", false: "(none)"}[ok]
	}
	answers(t, "Get of nothing", "(none)")(get("k"), nil)
	answers(t, "Set", error(nil))(s.Set(ctx, "k", "\x00\xff"), nil)
	answers(t, "Get", "\x00\xff")(get("k"), nil)
	answers(t, "Set of nothing", error(nil))(s.Set(ctx, "empty", ""), nil)
	answers(t, "Get of the empty", "")(get("empty"), nil)

	answers(t, "IfAbsent", false)(s.SetWith(ctx, "k", "2", client.SetOptions{IfAbsent: true}))
	answers(t, "IfPresent", true)(s.SetWith(ctx, "k", "3", client.SetOptions{IfPresent: true, TTL: time.Hour}))
	answers(t, "KeepTTL", true)(s.SetWith(ctx, "k", "4", client.SetOptions{KeepTTL: true}))
	left, expires, err := s.TTL(ctx, "k")
	if err != nil || !expires || left > time.Hour || left < 59*time.Minute {
		t.Errorf("TTL is %v, %v, %v", left, expires, err)
	}
	answers(t, "Persist", true)(s.Persist(ctx, "k"))
	answers(t, "Persist again", false)(s.Persist(ctx, "k"))
	for _, key := range []string{"k", "none"} {
		if left, expires, err := s.TTL(ctx, key); err != nil || expires || left != 0 {
			t.Errorf("TTL of %s is %v, %v, %v", key, left, expires, err)
		}
	}
	for _, wrong := range []client.SetOptions{{TTL: -1}, {IfAbsent: true, IfPresent: true},
		{TTL: time.Second, KeepTTL: true}} {
		if _, err := s.SetWith(ctx, "k", "5", wrong); !errors.Is(err, caucus.ErrBad) || get("k") != "4" {
			t.Errorf("SetWith %+v: %v", wrong, err)
		}
	}

	answers(t, "IncrBy", int64(45))(s.IncrBy(ctx, "k", 41))
	answers(t, "IncrBy of nothing", int64(-2))(s.IncrBy(ctx, "n", -2))
	if _, err := s.IncrBy(ctx, "k", math.MaxInt64); !errors.Is(err, caucus.ErrBad) || get("k") != "45" {
		t.Errorf("beyond 64 bits: %v", err)
	}
	answers(t, "Exists", 3)(s.Exists(ctx, "k", "k", "none", "n"))
	answers(t, "Expire", true)(s.Expire(ctx, "k", time.Nanosecond+time.Hour))
	answers(t, "Expire after all times", true)(s.Expire(ctx, "k", math.MaxInt64))
	answers(t, "Get of what has not expired", "45")(get("k"), nil)
	answers(t, "SetWith after all times", true)(s.SetWith(ctx, "k", "6", client.SetOptions{TTL: math.MaxInt64}))
	if _, err := s.Transact(ctx, []caucus.Command{{"PEXPIRE", "k", "9000000000000000"}}); err != nil {
		t.Error(err)
	}
	if left, expires, err := s.TTL(ctx, "k"); err != nil || !expires || left < math.MaxInt64-1e6 {
		t.Errorf("TTL of what lives longer than can be said is %v, %v, %v", left, expires, err)
	}
	answers(t, "Expire of nothing", false)(s.Expire(ctx, "none", time.Hour))
	answers(t, "Expire at once", true)(s.Expire(ctx, "k", 0))
	answers(t, "Get of the expired", "(none)")(get("k"), nil)
	answers(t, "Del", 2)(s.Del(ctx, "n", "empty", "none"))
	if _, err := s.Del(ctx); !errors.Is(err, caucus.ErrBad) {
		t.Errorf("Del of no key: %v", err)
	}
}

func TestScanGivesEveryKeyOnce(t *testing.T) {
	c, _ := inside(t)
	const many = 2500 // some answers' worth
	var sets []caucus.Command
	for i := range many {
		sets = append(sets, caucus.Command{"SET", "a:" + strconv.Itoa(i), "x"}, caucus.Command{"SET",
			"b:" + strconv.Itoa(i), "x"})
	}
	if _, err := c.Transact(within(t), sets); err != nil {
		t.Fatal(err)
	}
	count := func(pattern string) int {
		seen := map[string]bool{}
		for key, err := range c.Scan(within(t), pattern) {
			if err != nil || seen[key] {
				t.Fatalf("%q came (again: %v), %v", key, seen[key], err)
			}
			seen[key] = true
		}
		return len(seen)
	}
	if all, half := count(""), count("a:*"); all != 2*many || half != many {
		t.Errorf("of %d keys %d came, of %d %d", 2*many, all, many, half)
	}
	for range c.Scan(within(t), "") {
		break // nothing is called after the loop is left
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for key, err := range c.Scan(ended, "") {
		if key != "" || !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of its context it gave %q, %v", key, err)
		}
	}
}

// A transaction is one, and its replies are those of its commands.
func TestTransact(t *testing.T) {
	c, s := inside(t)
	for name, st := range map[string]client.Store{"client": c.Store, "session": s.Store} {
		ctx := within(t)
		replies, err := st.Transact(ctx, []caucus.Command{{"SET", "t", "x"}, {"INCR", "t"}, {"GET", "t"},
			{"DEL", "t"}})
		if err != nil || len(replies) != 4 || replies[1].Err() == nil || replies[2].Text() != "x" ||
			replies[3].Int != 1 {
			t.Errorf("%s: %v, %v", name, replies, err)
		}
		replies, err = st.Transact(ctx, []caucus.Command{{"GET", "t"}, {"EXISTS", "t"}})
		if err != nil || len(replies) != 2 || !replies[0].IsNil() {
			t.Errorf("%s: reads: %v, %v", name, replies, err)
		}
		if replies, err := st.Transact(ctx, nil); err != nil || len(replies) != 0 {
			t.Errorf("%s: nothing: %v, %v", name, replies, err)
		}
		for _, wrong := range [][]caucus.Command{{{"SET", "t", "1"}, {"SET", "t"}}, {{"SET", "t", "1"}, {"EXEC"}},
			{{"SET", "t", "1"}, {"NOSUCH"}}, {{"SET", "t", "1"}, {}}} {
			if _, err := st.Transact(ctx, wrong); !errors.Is(err, caucus.ErrBad) {
				t.Errorf("%s: %q: %v", name, wrong, err)
			}
			answers(t, "Exists after it", 0)(st.Exists(ctx, "t"))
		}
	}
}

// What a member has lost, its transactions have lost.
func TestGuards(t *testing.T) {
	c, s := inside(t)
	ctx := within(t)
	m, err := s.Join(ctx, "g", client.JoinOptions{Settle: client.Immediately, Slots: 4})
	if err != nil {
		t.Fatal(err)
	}
	a, err := m.WaitAssignment(ctx)
	if err != nil {
		t.Fatal(err)
	}
	until(t, m, func() bool { slots, _ := m.Slots(); return len(slots) == 4 })
	_, slotEpoch := m.Slots()
	term, _ := m.IsLeader()
	l, err := s.Lock(ctx, "l", client.LockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]client.Guard{"term": client.GuardTerm("g", term), "epoch": client.GuardEpoch("g", a.Epoch),
		"slot": client.GuardSlot("g", 3, slotEpoch), "lock": l.Guard()}
	set := []caucus.Command{{"INCR", "guarded"}}
	for name, st := range map[string]client.Store{"client": c.Store, "session": s.Store} {
		r, err := st.Transact(ctx, set, all["term"], all["epoch"], all["slot"], all["lock"])
		if err != nil || len(r) != 1 || r[0].Int == 0 {
			t.Fatalf("%s: %v, %v", name, r, err)
		}
	}
	if err := l.Unlock(ctx); err != nil {
		t.Fatal(err)
	}
	if err := m.Resign(ctx); err != nil {
		t.Fatal(err)
	}
	if err := m.Leave(ctx); err != nil {
		t.Fatal(err)
	}
	for what, g := range all {
		for name, st := range map[string]client.Store{"client": c.Store, "session": s.Store} {
			_, err := st.Transact(ctx, set, g)
			if !errors.Is(err, client.ErrFenced) || !errors.Is(err, caucus.ErrConflict) || caucus.SafeToRetry(err) {
				t.Errorf("%s: guarded by a %s that is over: %v", name, what, err)
			}
		}
		change := func(string, bool) (string, error) { return "99", nil }
		if err := c.Update(ctx, "guarded", change, g); !errors.Is(err, client.ErrFenced) {
			t.Errorf("an Update guarded by a %s that is over: %v", what, err)
		}
	}
	if v, _, err := c.Get(ctx, "guarded"); v != "2" {
		t.Errorf("it was applied %s times, %v", v, err)
	}
	if _, err := c.Transact(ctx, set, client.Guard{}); !errors.Is(err, caucus.ErrBad) {
		t.Errorf("the guard of nothing: %v", err)
	}
	if err := c.Update(ctx, "guarded", nil, client.Guard{}); !errors.Is(err, caucus.ErrBad) {
		t.Errorf("the guard of nothing: %v", err)
	}
}

// What is done to members: their metadata, the leadership, their end.
func TestMembersAreGoverned(t *testing.T) {
	c, s := inside(t)
	ctx := within(t)
	other, err := c.Session(ctx, client.SessionOptions{Grace: client.Immediately, TTL: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var members []*client.Member
	for i, of := range []*client.Session{s, other} {
		m, err := of.Join(ctx, "g", client.JoinOptions{Name: "m" + strconv.Itoa(i+1), Settle: client.Immediately})
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, m)
	}
	if err := members[1].SetMetadata(ctx, "\x00x"); err != nil {
		t.Error(err)
	}
	o := lead(t, members[1])
	term, err := c.Transfer(ctx, "g", "m2")
	if err != nil {
		t.Fatal(err)
	}
	o.begins(term)
	if l, ok, err := members[0].Leader(ctx); !ok || l.Member != "m2" || l.Term != term || l.Metadata != "\x00x" {
		t.Errorf("%+v, %v, %v", l, ok, err)
	}
	if _, err := c.Transfer(ctx, "g", "m3"); !errors.Is(err, caucus.ErrNoMember) {
		t.Errorf("to nobody: %v", err)
	}
	handed := make(chan error, 1)
	go func() {
		term, err := members[1].Transfer(ctx, "m1")
		if l, ok, _ := members[1].Leader(ctx); !ok || l.Member != "m1" || l.Term != term {
			t.Errorf("%+v leads, not m1 under term %d", l, term)
		}
		handed <- err
	}()
	await(t, "the end of its context", o.ended)
	o.may <- nil
	answers(t, "Transfer", error(nil))(await(t, "the end of Transfer", handed), nil)
	if _, err := members[1].Transfer(ctx, "m3"); !errors.Is(err, caucus.ErrNoMember) {
		t.Errorf("to nobody: %v", err)
	}
	if term, err = members[1].Transfer(ctx, "m2"); err != nil { // back, though it does not lead
		t.Error(err)
	}
	o.begins(term)
	answers(t, "Evict", true)(c.Evict(ctx, "g", "m2"))
	await(t, "the end of its context", o.ended)
	o.may <- nil
	if err := await(t, "the end of Lead", o.result); !errors.Is(err, caucus.ErrNoSession) {
		t.Errorf("Lead returned %v", err)
	}
	until(t, members[0], func() bool { _, ok := members[0].IsLeader(); return ok })
	answers(t, "Evict again", false)(c.Evict(ctx, "g", "m2"))
}

// Of updates that meet none is lost.
func TestUpdate(t *testing.T) {
	c, s := inside(t)
	ctx := within(t)
	l, err := s.Lock(ctx, "l", client.LockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	add := func(v string, ok bool) (string, error) {
		if ok == (v == "") {
			return "", errors.New("a value without a key, or the other way round")
		}
		n, _ := strconv.Atoi(v)
		return strconv.Itoa(n + 1), nil
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if err := c.Update(ctx, "n", add, l.Guard()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if v, _, err := c.Get(ctx, "n"); v != "80" {
		t.Errorf("80 additions make %s, %v", v, err)
	}
	if _, err := c.Expire(ctx, "n", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := c.Update(ctx, "n", add); err != nil {
		t.Fatal(err)
	}
	if _, expires, err := c.TTL(ctx, "n"); !expires {
		t.Errorf("its time-to-live is gone, %v", err)
	}
	for _, no := range []error{errors.New("no"), caucus.ErrTryAgain} {
		if err := c.Update(ctx, "n", func(string, bool) (string, error) { return "x", no }); err != no {
			t.Errorf("it ended with %v", err)
		}
	}
	if v, _, _ := c.Get(ctx, "n"); v != "81" {
		t.Errorf("it is %s", v)
	}
}

// Another client's change between the reading and the writing makes it begin anew.
func TestUpdateBeginsAnew(t *testing.T) {
	c, _ := inside(t)
	ctx := within(t)
	var saw []string
	err := c.Update(ctx, "k", func(v string, ok bool) (string, error) {
		saw = append(saw, v)
		if len(saw) < 3 {
			return "mine", c.Set(ctx, "k", strconv.Itoa(len(saw)))
		}
		return v + "!", nil
	})
	if v, _, _ := c.Get(ctx, "k"); err != nil || v != "2!" || !slices.Equal(saw, []string{"", "1", "2"}) {
		t.Errorf("it is %q, saw %q, %v", v, saw, err)
	}
}
