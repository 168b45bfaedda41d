package client_test

import (
	"context"
	"fmt"
	"log"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

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
