package work

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/procs"
	"github.com/caucus-project/caucus/bench/servers"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// Candidate is the first argument with which this program is a member that leads until it is killed. The
// others are the system, the address of a node, and the group.
const Candidate = "candidate"

// sessionTTL is how long, in seconds, a candidate may be silent.
const sessionTTL = 5

// succession is how long it takes until a member knows that it leads in place of one whose process was
// killed.
func succession() Work {
	return Work{Row: outcome.Row{Work: "kill -9 of a leading member to its successor knowing",
		Against: "etcd concurrency.Election", Unit: outcome.Millis, Wanted: outcome.Wanted{Most: 1.0 / 100},
		Bears: 8}, // milliseconds of few kills
		ours: func(ctx context.Context, house servers.House) (side, error) {
			e, err := house.OpenCaucus(ctx, 3)
			return succeeding{e, house, new(atomic.Int64), heirOfCaucus}, err
		},
		theirs: func(ctx context.Context, house servers.House) (side, error) {
			e, err := house.OpenEtcd(ctx, 3)
			return succeeding{e, house, new(atomic.Int64), heirOfEtcd}, err
		}}
}

// succeeding is an ensemble whose groups lose their leaders. The heir waits at another node for its
// turn: what it gives is told when it leads.
type succeeding struct {
	*servers.Ensemble
	house  servers.House
	groups *atomic.Int64
	heir   func(ctx context.Context, addr, group string) (leads <-chan error, leave func(), err error)
}

// run implements side. It kills one leader at least. The value is the median.
func (s succeeding) run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error) {
	return m.take(func() (outcome.Sample, error) {
		var times []float64
		for begun := time.Now(); len(times) == 0 || time.Since(begun) < long; {
			took, err := s.succeed(ctx)
			if err != nil {
				return outcome.Sample{}, err
			}
			times = append(times, millis(took))
		}
		middle := outcome.Median(times)
		return outcome.Sample{Value: middle, Half: middle, Most: slices.Max(times)}, nil
	})
}

func (s succeeding) succeed(ctx context.Context) (time.Duration, error) {
	group := fmt.Sprint("succession-", s.groups.Add(1))
	leader, err := procs.Start(s.house.Self, Candidate, s.System, s.Addrs[0], group)
	if err != nil {
		return 0, err
	}
	_, err = leader.Await(ctx, "leads")
	defer leader.Stop()
	if err != nil {
		return 0, err
	}
	leads, leave, err := s.heir(ctx, s.Addrs[1], group)
	if err != nil {
		return 0, err
	}
	defer leave()
	begun := time.Now()
	leader.Stop()
	select {
	case err := <-leads:
		return time.Since(begun), err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(time.Minute):
		return 0, errors.New("nobody succeeded a killed leader within a minute")
	}
}

// BeCandidate leads a group until the process is killed. It is given what comes after Candidate.
func BeCandidate(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%s has %d arguments, not 3", Candidate, len(args))
	}
	if args[0] == "etcd" {
		return leadEtcd(args[1], args[2])
	}
	return leadCaucus(args[1], args[2])
}

// candidacy is what a member says to lead, or to be next. Only its process can close its connection, so
// its end needs no grace.
func candidacy(line *loop.Line, group, name string) error {
	_, err := line.Do(caucus.Command{"SESSION", "OPEN", "TTL", fmt.Sprint(sessionTTL * 1000), "GRACE", "0"})
	if err == nil {
		_, err = line.Do(caucus.Command{"GROUP", "JOIN", group, "AS", name, "SETTLE", "0"})
	}
	return err
}

func leadCaucus(addr, group string) error {
	line, err := loop.DialRESP(addr)
	if err != nil {
		return err
	}
	if err := candidacy(line, group, "first"); err != nil {
		return err
	}
	fmt.Println("leads")
	for {
		time.Sleep(time.Second)
		if _, err := line.Do(caucus.Command{"SESSION", "KEEPALIVE"}); err != nil {
			return err
		}
	}
}

// heirOfCaucus joins, and listens to the group's events over a second connection.
func heirOfCaucus(_ context.Context, addr, group string) (<-chan error, func(), error) {
	member, err := loop.DialRESP(addr)
	if err != nil {
		return nil, nil, err
	}
	ear, err := loop.DialRESP(addr)
	if err != nil {
		return nil, nil, errors.Join(err, member.Close())
	}
	leave := func() { closeLines([]*loop.Line{member, ear}) }
	if _, err = ear.Do(caucus.Command{"SUBSCRIBE", "caucus:g:" + group}); err == nil {
		err = candidacy(member, group, "heir")
	}
	if err != nil {
		leave()
		return nil, nil, err
	}
	leads := make(chan error, 1)
	go func() { leads <- hear(ear, `"event":"leader"`, `"member":"heir"`) }()
	return leads, leave, nil
}

// hear waits for a message with all of some marks in it.
func hear(ear *loop.Line, marks ...string) error {
	for {
		message, err := ear.Read()
		if err != nil {
			return err
		}
		text := message.Items[len(message.Items)-1].Text()
		if !slices.ContainsFunc(marks, func(mark string) bool { return !strings.Contains(text, mark) }) {
			return nil
		}
	}
}

func leadEtcd(addr, group string) error {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + addr}})
	if err != nil {
		return err
	}
	session, err := concurrency.NewSession(client, concurrency.WithTTL(sessionTTL))
	if err != nil {
		return err
	}
	if err := concurrency.NewElection(session, group).Campaign(context.Background(), "first"); err != nil {
		return err
	}
	fmt.Println("leads")
	<-session.Done()
	return errors.New("its session ended")
}

// heirOfEtcd campaigns. It is given back when its key stands behind the leader's.
func heirOfEtcd(ctx context.Context, addr, group string) (<-chan error, func(), error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + addr}})
	if err != nil {
		return nil, nil, err
	}
	leave := func() { _ = client.Close() } // its lease ends by itself
	session, err := concurrency.NewSession(client, concurrency.WithTTL(sessionTTL))
	if err != nil {
		leave()
		return nil, nil, err
	}
	leads := make(chan error, 1)
	go func() { leads <- concurrency.NewElection(session, group).Campaign(ctx, "heir") }()
	for {
		keys, err := client.Get(ctx, group+"/", clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil {
			leave()
			return nil, nil, err
		}
		if keys.Count > 1 {
			return leads, leave, nil
		}
	}
}
