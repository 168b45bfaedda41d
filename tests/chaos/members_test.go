//go:build linux

package chaos

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
)

// Members are in two groups: one that waits until membership is still before it divides its work, and has
// slots, and one that does not.
const (
	patientGroup = "workers"
	hastyGroup   = "hasty"
	shares       = 12 // slots
)

// membership is a member of both groups, who says what it believes.
type membership struct {
	name  string
	notes *beliefs

	mu       sync.Mutex
	releases map[int]int // of each slot, how often it was asked for
}

// join joins both groups.
func (o *membership) join(ctx context.Context, s *client.Session) (list []*client.Member, err error) {
	o.releases = map[int]int{}
	for _, group := range []string{patientGroup, hastyGroup} {
		m, err := s.Join(ctx, group, client.JoinOptions{Name: o.name, OnRelease: o.release})
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// release is called when slots are not believed in any more, and before the ensemble hears of it.
func (o *membership) release(_ context.Context, slots []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range slots {
		o.releases[n]++
	}
}

func (o *membership) released(slot int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.releases[slot]
}

// look notes what is believed now.
func (o *membership) look(m *client.Member) {
	before := moment()
	if a, ok := m.Assignment(); ok {
		o.notes.saw(history.Belief{What: m.Group(), Holder: o.name, Token: a.Epoch, Index: a.Index, Total: a.Total},
			before, moment())
	}
	before = moment()
	if term, ok := m.IsLeader(); ok {
		o.notes.saw(history.Belief{What: "leader of " + m.Group(), Holder: o.name, Token: term}, before, moment())
	}
	if m.Group() != patientGroup {
		return
	}
	var times [shares]int
	for n := range times {
		times[n] = o.released(n)
	}
	before = moment()
	slots, _ := m.Slots()
	after := moment()
	for _, n := range slots {
		// What it held before a release and what it holds after are two beliefs.
		if o.released(n) == times[n] {
			o.notes.saw(history.Belief{What: fmt.Sprintf("slot %d", n), Holder: o.name, Index: times[n]}, before,
				after)
		}
	}
}

// members is processes that share work: some in this one, which come and go, and some of their own, which are
// paused and killed. By what they believe nothing is ever held twice.
type members struct {
	beliefs
	listeners
	leaders notes[history.Answer]
}

func (o *members) run(ctx context.Context, c *crew) error {
	o.group = patientGroup
	if !c.create(ctx, patientGroup, "SETTLE", "300", "SLOTS", fmt.Sprint(shares)) ||
		!c.create(ctx, hastyGroup, "SETTLE", "0") {
		return nil
	}
	var clients sync.WaitGroup
	clients.Go(func() { o.follow(ctx, c) })
	clients.Go(func() { o.ask(ctx, c, 10) })
	for i := range 3 {
		opts := client.SessionOptions{TTL: 3 * time.Second}
		if i == 0 {
			opts.Grace = 2 * time.Second
		}
		clients.Go(func() {
			c.visits(ctx, i, opts, func(ctx context.Context, s *client.Session, visit string) {
				o.work(ctx, c, s, i, visit)
			})
		})
	}
	failed := make(chan error, 2)
	for i := 3; i < 5; i++ {
		clients.Go(func() { failed <- o.strangers(ctx, c, i) })
	}
	clients.Wait()
	if err := <-failed; err != nil {
		return err
	}
	return <-failed
}

// work is a member for a while, which then leaves, or closes its session.
func (o *members) work(ctx context.Context, c *crew, s *client.Session, id int, visit string) {
	rng := c.rand(id)
	one := &membership{name: visit, notes: &o.beliefs}
	list, err := one.join(ctx, s)
	if err != nil {
		return
	}
	stays := time.Second + time.Duration(rng.ExpFloat64()*float64(4*time.Second))
	within, cancel := context.WithTimeout(ctx, stays)
	defer cancel()
	watch(within, func() {
		for _, m := range list {
			one.look(m)
		}
	})
	if rng.IntN(2) == 0 && ctx.Err() == nil {
		for _, m := range list {
			_, _ = c.write(id, m.Leave) // or it is over with the session
		}
	}
}

// ask asks who leads, also the nodes' own group.
func (o *members) ask(ctx context.Context, c *crew, id int) {
	rng := c.rand(id)
	for ctx.Err() == nil {
		conn, err := c.dial(ctx, id)
		if err != nil {
			continue
		}
		for n := 0; n < 100 && ctx.Err() == nil; n++ { // then through another connection
			group := []string{patientGroup, hastyGroup, "nodes"}[n%3]
			one, ok := history.Answer{Group: group}, false
			one.Call, _ = c.read(id, func(ctx context.Context) (err error) {
				var l caucus.Leadership
				l, ok, err = conn.Leader(ctx, group)
				one.Member, one.Term = l.Member, l.Term
				return err
			})
			if ok {
				o.leaders.add(one)
			}
			rest(ctx, 100*time.Millisecond, rng)
		}
		_ = conn.Close()
	}
}

// check has as many members as there were share all the work once more.
func (o *members) check(ctx context.Context, c *crew) error {
	if len(o.beliefs.all()) == 0 {
		c.t.Logf("%s: nobody ever believed in anything", c.name)
	}
	var indexes, others []history.Belief
	for _, b := range o.beliefs.all() {
		if b.Total > 0 {
			indexes = append(indexes, b)
		} else {
			others = append(others, b)
		}
	}
	if err := c.judged("holders of indexes", history.Shares(indexes)); err != nil {
		return err
	}
	if err := c.judged("holders of slots and leaderships", history.Exclusive(others)); err != nil {
		return err
	}
	if err := c.judged("leaders", history.Led(o.leaders.all())); err != nil {
		return err
	}
	if err := o.rest(ctx, c); err != nil {
		return err
	}
	merged, err := o.merged(ctx, c)
	if err != nil {
		return err
	}
	return c.judged("slots by their events", history.Slots(merged))
}

// rest has some new members share the work: each has its index, each slot is held, and somebody leads.
func (o *members) rest(ctx context.Context, c *crew) error {
	conn, err := c.dial(ctx, 0)
	if err != nil {
		return err
	}
	defer conn.Close()
	var patient, hasty []*client.Member
	defer func() {
		for _, m := range patient {
			_ = m.Leave(ctx)
		}
	}()
	for i := range 4 {
		s, err := conn.Session(ctx, client.SessionOptions{})
		if err != nil {
			return fmt.Errorf("a session at rest: %w", err)
		}
		defer s.Close()
		list, err := (&membership{name: fmt.Sprintf("rest%d", i)}).join(ctx, s)
		if err != nil {
			return fmt.Errorf("a member at rest: %w", err)
		}
		patient, hasty = append(patient, list[0]), append(hasty, list[1])
	}
	return eventually(ctx, "all members have their shares", func(context.Context) error {
		if err := shared(patient, shares); err != nil {
			return err
		}
		return shared(hasty, 0)
	})
}

// shared says what is missing until all members share all the work.
func shared(list []*client.Member, slots int) error {
	indexes, held, leaders := map[int]bool{}, map[int]bool{}, 0
	for _, m := range list {
		a, ok := m.Assignment()
		if !ok || a.Total != len(list) {
			return fmt.Errorf("%s has %+v, %v", m.Name(), a, ok)
		}
		indexes[a.Index] = true
		if _, leads := m.IsLeader(); leads {
			leaders++
		}
		list, _ := m.Slots()
		for _, n := range list {
			held[n] = true
		}
	}
	if len(indexes) != len(list) || len(held) != slots || leaders != 1 {
		return fmt.Errorf("%d of %d indexes, %d of %d slots, %d leaders", len(indexes), len(list), len(held), slots,
			leaders)
	}
	return nil
}
