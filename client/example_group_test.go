package client_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/caucus-project/caucus/client"
)

// What only one process may do at a time is done by the leader. Its context ends with the leadership, which
// is nobody else's before the function has returned.
func ExampleMember_Lead() {
	_, s, end := opening()
	defer end()
	ctx, stop := context.WithCancel(context.Background())
	m, err := s.Join(ctx, "checker", client.JoinOptions{})
	if err != nil {
		log.Fatal(err)
	}
	err = m.Lead(ctx, func(ctx context.Context, term uint64) error {
		for n := 1; ctx.Err() == nil; n++ { // until the leadership ends, or the program does
			fmt.Println("check", n)
			if n == 2 {
				stop() // as a signal would, by signal.NotifyContext
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
		}
		fmt.Println("stopped")
		return nil
	})
	fmt.Println(err)
	// Output:
	// check 1
	// check 2
	// stopped
	// context canceled
}

// Processes that join one group divide work among them: each does what its assignment owns, and only while it
// may believe in it.
func ExampleMember_Assignment() {
	c, s, end := opening()
	defer end()
	ctx := context.Background()
	other, err := c.Session(ctx, client.SessionOptions{}) // in another process, as a rule
	if err != nil {
		log.Fatal(err)
	}
	defer other.Close()
	var workers []*client.Member
	for _, s := range []*client.Session{s, other} {
		m, err := s.Join(ctx, "crawl", client.JoinOptions{Settle: client.Immediately, Min: 2})
		if err != nil {
			log.Fatal(err)
		}
		workers = append(workers, m)
	}
	for i, m := range workers {
		if _, err := m.WaitAssignment(ctx); err != nil {
			log.Fatal(err)
		}
		for _, url := range []string{"a.example", "b.example", "c.example", "d.example"} {
			if a, ok := m.Assignment(); ok && a.Owns(url) {
				fmt.Println("worker", i+1, "fetches", url)
			}
		}
	}
	// Output:
	// worker 1 fetches a.example
	// worker 1 fetches c.example
	// worker 2 fetches b.example
	// worker 2 fetches d.example
}

// Slots are shares of work that stay with a member while others join and leave, but for those that move. What
// is done for these is stopped before somebody else gets them.
func ExampleMember_Slots() {
	c, s, end := opening()
	defer end()
	ctx := context.Background()
	share := client.JoinOptions{Name: "anna", Slots: 4, Settle: client.Immediately,
		OnRelease: func(_ context.Context, slots []int) { fmt.Println("anna stops with", len(slots)) }}
	anna, err := s.Join(ctx, "shards", share)
	if err != nil {
		log.Fatal(err)
	}
	awaitSlots(ctx, anna, 4)
	other, err := c.Session(ctx, client.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	share = client.JoinOptions{Name: "bert", Slots: 4, Settle: client.Immediately}
	bert, err := other.Join(ctx, "shards", share)
	if err != nil {
		log.Fatal(err)
	}
	awaitSlots(ctx, bert, 2)
	awaitSlots(ctx, anna, 2)
	fmt.Println("bert leaves:", other.Close())
	awaitSlots(ctx, anna, 4)
	fmt.Println("anna leaves:", anna.Leave(ctx))
	// Output:
	// anna has 4
	// anna stops with 2
	// bert has 2
	// anna has 2
	// bert leaves: <nil>
	// anna has 4
	// anna stops with 4
	// anna leaves: <nil>
}

// awaitSlots waits until a member has so many.
func awaitSlots(ctx context.Context, m *client.Member, n int) {
	for {
		changed := m.Changed() // before the question, so that no change is missed
		if slots, _ := m.Slots(); len(slots) == n {
			fmt.Println(m.Name(), "has", n)
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			log.Fatal(context.Cause(ctx))
		}
	}
}

// Events tell what happens in a group as it happens.
func ExampleClient_EventsFrom() {
	c, s, end := opening()
	defer end()
	ctx := context.Background()
	_, err := s.Join(ctx, "kitchen", client.JoinOptions{Name: "anna", Settle: client.Immediately})
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range c.EventsFrom(ctx, "kitchen", 0) { // Events begins with what happens from now on
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Kind, e.Member)
		if e.Kind == "settled" {
			break
		}
	}
	// Output:
	// joined anna
	// leader anna
	// settled
}

// Members say yes or no to what is put to the vote, in a handler, and all are told what it came to.
func ExampleMember_CallVote() {
	c, end := dialed()
	defer end()
	ctx := context.Background()
	for _, name := range []string{"anna", "bert"} {
		s, err := c.Session(ctx, client.SessionOptions{}) // each is a process of its own, as a rule
		if err != nil {
			log.Fatal(err)
		}
		defer s.Close()
		handlers := &client.Handlers{OnVote: func(m *client.Member, v client.Vote) {
			if err := m.Cast(ctx, v.Poll, v.Topic == "lunch"); err != nil {
				log.Print(err) // the vote may be over already
			}
		}}
		m, err := s.Join(ctx, "kitchen", client.JoinOptions{Name: name, Handlers: handlers})
		if err != nil {
			log.Fatal(err)
		}
		if name == "anna" {
			continue
		}
		for _, topic := range []string{"lunch", "dishes"} {
			poll, err := m.CallVote(ctx, topic, client.VoteOptions{Timeout: time.Minute})
			if err != nil {
				log.Fatal(err)
			}
			r, err := m.Result(ctx, poll)
			fmt.Println(topic, r.Outcome, err)
		}
	}
	// Output:
	// lunch yes <nil>
	// dishes no <nil>
}

// Handlers are told what happens in the group from the member's own joining on, one thing at a time.
func ExampleHandlers() {
	_, s, end := opening()
	defer end()
	ctx := context.Background()
	done := make(chan struct{})
	handlers := &client.Handlers{
		OnJoined: func(m *client.Member, e client.Event) { fmt.Println(e.Member, "is one of", e.Size) },
		OnLeader: func(m *client.Member, e client.Event) {
			fmt.Println(e.Member, "leads")
			close(done)
		},
	}
	if _, err := s.Join(ctx, "kitchen", client.JoinOptions{Name: "anna", Handlers: handlers}); err != nil {
		log.Fatal(err)
	}
	<-done
	// Output:
	// anna is one of 1
	// anna leads
}

// Messages go to all members, to whoever leads, or to one, and handlers take them.
func ExampleMember_Send() {
	_, s, end := opening()
	defer end()
	ctx := context.Background()
	done := make(chan struct{})
	handlers := &client.Handlers{OnMessage: func(m *client.Member, msg client.Message) {
		fmt.Println(msg.Sender, "to", msg.Kind, msg.Payload)
		switch msg.Kind {
		case "leader":
			if _, err := m.Send(ctx, "do it", client.Recipient{Member: msg.Sender}); err != nil {
				log.Print(err)
			}
		case "member":
			close(done)
		}
	}}
	m, err := s.Join(ctx, "kitchen", client.JoinOptions{Name: "anna", Handlers: handlers})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := m.Send(ctx, "may I?", client.Recipient{Leader: true}); err != nil {
		log.Fatal(err)
	}
	<-done
	// Output:
	// anna to leader may I?
	// anna to member do it
}
