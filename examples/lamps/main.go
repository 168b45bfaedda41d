// Command lamps is one lamp. All that run switch at the same moment, once they have agreed by vote to do
// so; the clocks of their hosts need not agree, for the time is that of the ensemble.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

func main() {
	addrs := flag.String("addr", "127.0.0.1:5010", "client addresses of nodes, with commas between")
	name := flag.String("name", "", "of this lamp; the ensemble gives one if need be")
	flag.Parse()
	log.SetPrefix(*name + " ")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, strings.Split(*addrs, ","), *name); err != nil {
		log.Fatal(err)
	}
}

// run is a lamp until ctx ends. An error says that it is a member no more: let whatever starts the program
// start it again.
func run(ctx context.Context, addrs []string, name string) error {
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
	m, err := s.Join(ctx, "lamps", client.JoinOptions{
		Name:     name,
		Handlers: &client.Handlers{OnVote: func(m *client.Member, v client.Vote) { agree(ctx, m, v) }},
		OnAction: func(a client.Action) { shine(s, a) },
		// Too late is worse than not at all: this lamp would be out of step, and says so instead.
		OnMissed: func(a client.Action, why error) { log.Printf("does not show %s: %v", a.Topic, why) },
	})
	if err != nil {
		return err
	}
	log.Print("is ready")
	select {
	case <-m.Lost():
	case <-ctx.Done():
	}
	return m.Err()
}

// agree says yes to the colours that this lamp has. A single lamp that says no, or nothing in time, keeps
// all of them from switching.
func agree(ctx context.Context, m *client.Member, v client.Vote) {
	can := v.Topic == "red" || v.Topic == "green" || v.Topic == "off"
	err := m.Cast(ctx, v.Poll, can)
	if err != nil && !errors.Is(err, caucus.ErrConflict) { // a conflict: it is decided, another has said no
		log.Printf("casts no vote on %s: %v", v.Topic, err)
	}
}

// shine is called when the time has come and not when word of it comes: no network has a part in it any
// more.
func shine(s *client.Session, a client.Action) {
	now, within, _ := s.Now()
	log.Printf("shows %s for %s, %v after it, give or take %v", a.Topic, a.At.Format("15:04:05.000"),
		now.Sub(a.At).Round(time.Microsecond), within.Round(time.Microsecond))
}
