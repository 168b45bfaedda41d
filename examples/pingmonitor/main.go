// Command pingmonitor watches whether a service can be reached, from as many places as copies of it run.
// Once a second their leader has them vote on it, and it is down when more than half of them say so: one
// broken cable at a monitor is no outage.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// patience is how long a connection may take: less than a vote does (VoteOptions.Timeout, 1.5 s unless
// stated), or the answer would come too late.
const patience = 500 * time.Millisecond

type monitor struct {
	service string
	target  string // where the service is, seen from here
	state   string // what was decided last; for handlers only, which are called one at a time
}

func main() {
	addrs := flag.String("addr", "127.0.0.1:5010", "client addresses of nodes, with commas between")
	name := flag.String("name", "", "of this monitor; the ensemble gives one if need be")
	service := flag.String("service", "web", "whose monitors decide together")
	target := flag.String("target", "127.0.0.1:80", "where this monitor reaches it, host:port")
	flag.Parse()
	log.SetPrefix(*name + " ")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	mon := &monitor{service: *service, target: *target}
	if err := mon.run(ctx, strings.Split(*addrs, ","), *name); err != nil {
		log.Fatal(err)
	}
}

// run watches until ctx ends. An error says that this is a member no more: let whatever starts the program
// start it again.
func (mon *monitor) run(ctx context.Context, addrs []string, name string) error {
	c, err := client.Dial(ctx, client.Config{Addrs: addrs})
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.Session(ctx, client.SessionOptions{})
	if err != nil {
		return err
	}
	defer s.Close() // if the ensemble cannot be told, the session ends by itself a little later
	m, err := s.Join(ctx, "ping."+mon.service, client.JoinOptions{Name: name, Handlers: &client.Handlers{
		OnVote:   func(m *client.Member, v client.Vote) { mon.answer(ctx, m, v) },
		OnResult: func(_ *client.Member, _ client.Vote, r client.VoteResult) { mon.note(r) },
	}})
	if err != nil {
		return err
	}
	// Should the leader die, the next one's turn begins here, in its process.
	err = m.Lead(ctx, func(ctx context.Context, _ uint64) error { return mon.ask(ctx, m) })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// ask calls a vote every second for as long as this monitor leads.
func (mon *monitor) ask(ctx context.Context, m *client.Member) error {
	for tick := time.NewTicker(time.Second); ; {
		_, err := m.CallVote(ctx, mon.service+" is down", client.VoteOptions{})
		if err != nil && ctx.Err() == nil {
			log.Printf("could not ask the others: %v", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// answer votes by how it looks from here. Who is asked to end meanwhile does not, for a connection that it
// has given up itself says nothing of the service.
func (mon *monitor) answer(ctx context.Context, m *client.Member, v client.Vote) {
	d := net.Dialer{Timeout: patience}
	conn, failed := d.DialContext(ctx, "tcp", mon.target)
	if failed == nil {
		conn.Close()
	}
	if ctx.Err() != nil {
		return
	}
	err := m.Cast(ctx, v.Poll, failed != nil)
	if err != nil && !errors.Is(err, caucus.ErrConflict) { // a conflict: the others have decided by now
		log.Printf("casts no vote: %v", err)
	}
}

// note tells what was decided when it is news. All monitors are told the same, in the same order; no
// majority in time is no news.
func (mon *monitor) note(r client.VoteResult) {
	state := map[string]string{"yes": "down", "no": "up", "timeout": mon.state}[r.Outcome]
	if state != mon.state {
		log.Printf("%s is %s: of %d monitors %d say that it is down and %d not", mon.service, state, r.Electorate,
			r.Yes, r.No)
	}
	mon.state = state
}
