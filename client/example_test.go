package client_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
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

// dialed gives a client of such an ensemble.
func dialed() (c *client.Client, end func()) {
	addr, stop := ensemble()
	c, err := client.Dial(context.Background(), client.Config{Addrs: []string{addr}})
	if err != nil {
		log.Fatal(err)
	}
	return c, func() {
		_ = c.Close()
		stop()
	}
}

// opening gives a session, too.
func opening() (c *client.Client, s *client.Session, end func()) {
	c, stop := dialed()
	s, err := c.Session(context.Background(), client.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	return c, s, func() {
		_ = s.Close()
		stop()
	}
}

// A client reaches the whole ensemble through any one address.
func ExampleDial() {
	addr, end := ensemble()
	defer end()
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Addrs: []string{addr}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if err := c.Set(ctx, "greeting", "hello"); err != nil {
		log.Fatal(err)
	}
	greeting, ok, err := c.Get(ctx, "greeting")
	fmt.Println(greeting, ok, err)
	// What has no call of its own is a command.
	r, err := c.Do(ctx, caucus.Command{"STRLEN", "greeting"})
	fmt.Println(r.Int, err)
	// Output:
	// hello true <nil>
	// 5 <nil>
}

// The calls of the store are those of clients and sessions. A session's writes are applied once, whatever is
// lost under them.
func ExampleStore() {
	_, s, end := opening()
	defer end()
	ctx := context.Background()
	for _, user := range []string{"anna", "bert"} {
		if _, err := s.SetWith(ctx, "user:"+user, "online", client.SetOptions{TTL: time.Hour}); err != nil {
			log.Fatal(err)
		}
		visits, err := s.IncrBy(ctx, "visits", 1)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("visit", visits)
	}
	users := 0
	for _, err := range s.Scan(ctx, "user:*") {
		if err != nil {
			log.Fatal(err)
		}
		users++
	}
	fmt.Println(users, "users")
	// Output:
	// visit 1
	// visit 2
	// 2 users
}

// A leader that was paused between its check and its write does no harm when it writes under a guard.
func ExampleStore_Transact() {
	_, s, end := opening()
	defer end()
	ctx := context.Background()
	m, err := s.Join(ctx, "billing", client.JoinOptions{})
	if err != nil {
		log.Fatal(err)
	}
	err = m.Lead(ctx, func(ctx context.Context, term uint64) error {
		mine := client.GuardTerm(m.Group(), term)
		_, err := s.Transact(ctx, []caucus.Command{{"SET", "invoice:7", "sent"}, {"INCR", "invoices"}}, mine)
		return err // client.ErrFenced, and nothing was written, if somebody else leads by now
	})
	fmt.Println(err)
	invoices, _, err := s.Get(ctx, "invoices")
	fmt.Println(invoices, err)
	// Output:
	// <nil>
	// 1 <nil>
}

// A value is changed as if nobody else could come between.
func ExampleClient_Update() {
	c, end := dialed()
	defer end()
	ctx := context.Background()
	for range 2 {
		err := c.Update(ctx, "stock", func(value string, ok bool) (string, error) {
			if !ok {
				return "1", nil
			}
			left, err := strconv.Atoi(value)
			if err != nil || left == 0 {
				return "", fmt.Errorf("sold out (%v)", err)
			}
			return strconv.Itoa(left - 1), nil
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	stock, _, err := c.Get(ctx, "stock")
	fmt.Println(stock, err)
	// Output: 0 <nil>
}

// Of all sessions that ask for a lock one has it at a time, under a term that only rises: whatever the lock
// protects can refuse an older one.
func ExampleSession_Lock() {
	_, s, end := opening()
	defer end()
	ctx := context.Background()
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

// Who keeps a copy of some keys reads them once, and then follows what changes.
func ExampleClient_ChangesFrom() {
	c, end := dialed()
	defer end()
	ctx := context.Background()
	for _, cmd := range []caucus.Command{{"SET", "user:1", "ann"}, {"SET", "other", "x"}, {"DEL", "user:1"}} {
		if _, err := c.Do(ctx, cmd); err != nil {
			log.Fatal(err)
		}
	}
	for change, err := range c.ChangesFrom(ctx, "user:*", 0) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(change.Command, change.Key) // keep change.Revision, to go on behind it
		if change.Command == "del" {
			break
		}
	}
	// Output:
	// set user:1
	// del user:1
}
