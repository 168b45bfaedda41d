package tests

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// A member's program sees who is in its group, who leads, and what the group's options are.
func TestAGroupIsSeenFromGo(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	ctx := t.Context()
	var members []*client.Member
	for _, name := range []string{"a", "b"} {
		s, _ := visit(t, c, 0, client.SessionOptions{TTL: 9 * time.Second})
		m, err := s.Join(ctx, "g", client.JoinOptions{Name: name, Metadata: name + "'s", Min: 2, Slots: 8,
			Settle: client.Immediately, Heartbeat: 300 * time.Millisecond, VoteTimeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if l, ok, err := m.Leader(ctx); err != nil || ok != (name == "b") {
			t.Errorf("when %s has joined, %+v leads: %v, %v", name, l, ok, err)
		}
		members = append(members, m)
	}
	m := members[1]
	for _, each := range members {
		if _, err := each.WaitAssignment(ctx); err != nil {
			t.Fatal(err)
		}
	}
	l, ok, err := m.Leader(ctx)
	if !ok || err != nil || l.Member != "a" || l.Metadata != "a's" || l.Term == 0 {
		t.Errorf("%+v, %v, %v", l, ok, err)
	}
	all, err := m.Members(ctx)
	want := []client.MemberInfo{{Name: "a", Order: 1, Index: 1, Leader: true, Node: c.Name(0), Metadata: "a's"},
		{Name: "b", Order: 2, Index: 2, Node: c.Name(0), Metadata: "b's"}}
	if err != nil || !slices.Equal(all, want) {
		t.Errorf("%+v, %v", all, err)
	}
	info, err := m.Info(ctx)
	a, _ := m.Assignment()
	wantInfo := client.GroupInfo{Name: "g", Settled: true, Size: 2, Total: 2, Epoch: a.Epoch, Leader: "a",
		Term: l.Term, Seq: info.Seq, Oldest: info.Oldest, Life: info.Life, Min: 2, Slots: 8,
		TTL: 10 * time.Second, Grace: time.Second, Heartbeat: 300 * time.Millisecond, VoteTimeout: 2 * time.Second}
	if err != nil || info != wantInfo || info.Life == 0 || info.Oldest != info.Life+1 ||
		info.Seq <= info.Oldest {
		t.Errorf("%+v, %v", info, err)
	}
	s, _ := visit(t, c, 0, client.SessionOptions{})
	if _, err := s.Join(ctx, "messages", client.JoinOptions{NoLeader: true}); err != nil {
		t.Fatal(err)
	}
	cl, err := client.Dial(ctx, client.Config{Addrs: c.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if info, err := cl.Info(ctx, "messages"); err != nil || !info.NoLeader || info.Settled {
		t.Errorf("%+v, %v", info, err)
	}
	_, noInfo := cl.Info(ctx, "none")
	_, _, noLeader := cl.Leader(ctx, "none")
	_, noMembers := cl.Members(ctx, "none")
	for _, err := range []error{noInfo, noLeader, noMembers} {
		if !errors.Is(err, caucus.ErrNoGroup) {
			t.Error(err)
		}
	}
}
