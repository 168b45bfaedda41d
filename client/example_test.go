package client_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/node"
)

// ensemble opens an ensemble of one node in this process, which the caller ends.
func ensemble() (addr string, end func()) {
	dir, err := os.MkdirTemp("", "caucus")
	if err != nil {
		log.Fatal(err)
	}
	n, err := node.Open(context.Background(), node.Config{Data: dir, Listen: "127.0.0.1:0",
		PeerListen: "127.0.0.1:0", HTTP: "off"})
	if err != nil {
		log.Fatal(err)
	}
	addr, _, _ = n.Addresses()
	return addr, func() {
		if err := n.Close(); err != nil {
			log.Fatal(err)
		}
		_ = os.RemoveAll(dir) // what is left in a directory for such things harms nobody
	}
}

// A client reaches the whole ensemble through any one address.
func ExampleDial() {
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Addrs: []string{"127.0.0.1:5010"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do(ctx, caucus.Command{"SET", "greeting", "hello"}); err != nil {
		log.Fatal(err)
	}
	r, err := c.Do(ctx, caucus.Command{"GET", "greeting"})
	fmt.Println(r.Text(), err)
}

// Processes that join one group divide work among them: each does what its assignment owns, and only while it
// may believe in it.
func ExampleMember_Assignment() {
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Addrs: []string{"127.0.0.1:5010"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	s, err := c.Session(ctx, client.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	m, err := s.Join(ctx, "workers.blue", client.JoinOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, key := range []string{"a", "b", "c"} {
		if _, err := m.WaitAssignment(ctx); err != nil {
			log.Fatal(err)
		}
		if a, ok := m.Assignment(); ok && a.Owns(key) {
			fmt.Println("mine:", key)
		}
	}
}

// Events tell what happens in a group as it happens.
func ExampleClient_Events() {
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Addrs: []string{"127.0.0.1:5010"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for e, err := range c.Events(ctx, "workers.blue") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Seq, e.Kind, e.Member)
	}
}

// Of all sessions that ask for a lock one has it at a time, under a term that only rises: whatever the lock
// protects can refuse an older one.
func ExampleSession_Lock() {
	addr, end := ensemble()
	defer end()
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Addrs: []string{addr}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	s, err := c.Session(ctx, client.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	l, err := s.Lock(ctx, "payments", client.LockOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, payment := range []string{"rent", "wages"} {
		if l.Held() { // not any more, when this process was stopped or cut off for long
			fmt.Println("paid:", payment)
		}
	}
	fmt.Println("another has a turn:", l.Unlock(ctx) == nil)
	// Output:
	// paid: rent
	// paid: wages
	// another has a turn: true
}

// Members say yes or no to what is put to the vote, in a handler, and all are told what it came to.
func ExampleMember_CallVote() {
	addr, end := ensemble()
	defer end()
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Addrs: []string{addr}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
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

// Messages go to all members, to whoever leads, or to one, and handlers take them.
func ExampleMember_Send() {
	addr, end := ensemble()
	defer end()
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Addrs: []string{addr}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	s, err := c.Session(ctx, client.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
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
