package node_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
	"github.com/caucus-project/caucus/node"
)

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), nodetest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// The process that a node lives in needs no password and takes no client's place.
func TestInsideIsNoStranger(t *testing.T) {
	n := nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) {
		cfg.Password, cfg.MaxClients = "sesame", 1
	})[0]
	addr, _, _ := n.Addresses()
	only, err := client.Dial(within(t), client.Config{Addrs: []string{addr}, Password: "sesame"})
	if err != nil {
		t.Fatal(err)
	}
	defer only.Close()
	if r, err := n.Propose(within(t), "SET", "k", "v"); err != nil || r.Text() != "OK" {
		t.Errorf("SET gives %v, %v", r, err)
	}
	if r, err := n.Do(within(t), caucus.Command{"GET", "k"}); err != nil || r.Text() != "v" {
		t.Errorf("GET gives %v, %v", r, err)
	}
	if _, err := n.Propose(within(t), "INCR", "k"); !errors.Is(err, caucus.ErrBad) {
		t.Errorf("INCR of a word gives %v", err)
	}
	if _, err := n.Propose(within(t), "MULTI"); !errors.Is(err, caucus.ErrBad) {
		t.Errorf("MULTI on a shared connection gives %v", err)
	}
	if _, err := n.Propose(within(t)); !errors.Is(err, caucus.ErrBad) {
		t.Errorf("no command gives %v", err)
	}
	if text := infoOf(t, n, "clients"); !strings.Contains(text, "connected_clients:1\r\n") {
		t.Errorf("who is inside counts as a client: %s", text)
	}
}

// What a client can do, the client inside can: be a member, hear events, be in line for a lock. It stays
// with its own node, although it could learn of others.
func TestInsideIsAWholeClient(t *testing.T) {
	nodes := nodetest.InProcess(t, 3, nil)
	ctx := within(t)
	var members []*client.Member
	for i, n := range nodes {
		s, err := n.Client().Session(ctx, client.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		m, err := s.Join(ctx, "workers", client.JoinOptions{Name: fmt.Sprint("w", i), Settle: client.Immediately})
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, m)
	}
	nodetest.Eventually(t, "three shares", func() bool {
		shares := map[int]bool{}
		for _, m := range members {
			if a, ok := m.Assignment(); ok && a.Total == 3 {
				shares[a.Index] = true
			}
		}
		return len(shares) == 3
	})
	infos, err := nodes[1].Client().Members(ctx, "workers")
	if err != nil || len(infos) != 3 || infos[2].Node != nodes[2].Name() {
		t.Errorf("the members are %+v, %v", infos, err)
	}
	holder, err := nodes[2].Client().Session(ctx, client.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if lock, err := holder.Lock(ctx, "l", client.LockOptions{}); err != nil || !lock.Held() {
		t.Errorf("a lock gives %v, %v", lock, err)
	}
	heard := make(chan string, 1)
	go func() {
		for e, err := range nodes[2].Client().Events(ctx, "workers") {
			if err != nil || e.Kind == "message" {
				heard <- fmt.Sprint(e.Payload, err)
				return
			}
		}
	}()
	nodetest.Eventually(t, "a message is heard", func() bool {
		_, err := members[0].Send(ctx, "hello", client.Recipient{})
		select {
		case text := <-heard:
			return err == nil && text == "hello<nil>"
		case <-time.After(10 * time.Millisecond):
			return false
		}
	})
	for _, n := range nodes {
		own, _, _ := n.Addresses()
		if addrs := n.Client().Addrs(); !slices.Equal(addrs, []string{own}) {
			t.Errorf("%s, at %s, knows %q", n.Name(), own, addrs)
		}
	}
}

// A pipe holds nothing back, and yet nobody waits for somebody who waits for him.
func TestInsideManyAndLarge(t *testing.T) {
	n := lone(t)
	value := strings.Repeat("x", 1<<20)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			ctx, key := within(t), fmt.Sprint("k", i)
			impatient, cancel := context.WithCancel(ctx)
			context.AfterFunc(ctx, cancel)
			go cancel()
			if _, err := n.Propose(impatient, "SET", "other"+key, value); err != nil &&
				!errors.Is(err, caucus.ErrUncertain) && !errors.Is(err, caucus.ErrTryAgain) {
				t.Errorf("one who does not wait: %v", err)
			}
			if _, err := n.Propose(ctx, "SET", key, value); err != nil {
				t.Error(err)
			}
			if r, err := n.Propose(ctx, "GET", key); err != nil || r.Text() != value {
				t.Errorf("%d bytes, %v", len(r.Text()), err)
			}
		})
	}
	all.Wait()
}

// Who does not read what is published to him is cut, as on a socket: he must not make the node keep it all.
func TestInsideSlowReaderIsCut(t *testing.T) {
	n := lone(t)
	conn, err := n.Pipe(within(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hello := resp.AppendCommand(nil, caucus.Command{"HELLO", "3"})
	if _, err := conn.Write(resp.AppendCommand(hello, caucus.Command{"SUBSCRIBE", "c"})); err != nil {
		t.Fatal(err)
	}
	replies := resp.NewReplyReader(conn, resp.Limits{})
	for range 2 {
		if r, err := replies.Read(); err != nil || r.Err() != nil {
			t.Fatal(r, err)
		}
	}
	payload, sent := strings.Repeat("x", 1<<20), 72 // as much may be on its way as waits behind it, 32 MiB each
	for range sent {
		waist.Of(n).Publish("c", payload)
	}
	read := 0
	for ; read < sent; read++ {
		if _, err := replies.Read(); err != nil {
			break
		}
	}
	if read >= sent {
		t.Errorf("all %d messages were kept for him", sent)
	}
}

// SAFETY A4: the end of a connection from the inside is seen as that of any client's process.
func TestA4InsideClosingIsSeen(t *testing.T) {
	n := lone(t)
	conn, err := n.Pipe(within(t))
	if err != nil {
		t.Fatal(err)
	}
	open := caucus.Command{"SESSION", "OPEN", "TTL", "3600000", "GRACE", "0"}
	if _, err := conn.Write(resp.AppendCommand(nil, open)); err != nil {
		t.Fatal(err)
	}
	id, err := resp.NewReplyReader(conn, resp.Limits{}).Read()
	if err != nil || id.Err() != nil {
		t.Fatal(id, err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "the session has ended", func() bool {
		_, err := n.Propose(within(t), "SESSION", "INFO", id.Text())
		return errors.Is(err, caucus.ErrNoSession)
	})
}

// SAFETY B5: a follower whose disk hangs turns away those who are inside as it does all others, and serves
// them when the disk has come to.
func TestB5InsideWhileTheDiskHangs(t *testing.T) {
	lead := lone(t)
	at, _, _ := lead.Addresses()
	held := &sync.RWMutex{}
	slow, err := node.OpenOn(within(t), node.Config{Name: "slow", Data: t.TempDir(), Listen: "127.0.0.1:0",
		PeerListen: "127.0.0.1:0", HTTP: "off", Join: []string{at}}, hanging{vfs.OS{}, held})
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	nodetest.Eventually(t, "two nodes", func() bool {
		return strings.Contains(infoOf(t, lead, "ensemble"), "voters:2")
	})
	held.Lock()
	var write sync.WaitGroup
	write.Go(func() { _, _ = lead.Propose(within(t), "SET", "k", "1") }) // both must have it
	defer write.Wait()
	nodetest.Eventually(t, "the hang is noticed", func() bool {
		return strings.Contains(waist.Of(slow).Ready().Reason, "the disk does not answer")
	})
	ctx, cancel := context.WithTimeout(within(t), 100*time.Millisecond)
	defer cancel()
	_, err = slow.Propose(ctx, "SET", "j", "1")
	held.Unlock()
	if !errors.Is(err, caucus.ErrTryAgain) && !errors.Is(err, caucus.ErrUncertain) {
		t.Errorf("while the disk hangs: %v", err)
	}
	nodetest.Eventually(t, "it serves again", func() bool {
		_, err := slow.Propose(within(t), "SET", "j", "2")
		return err == nil
	})
}

// Closing the node answers what is under way inside, closes the client, and ends its sessions.
func TestInsideEndsWithTheNode(t *testing.T) {
	n := lone(t)
	s, err := n.Client().Session(within(t), client.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make(chan error)
	for i := range 100 {
		go func() {
			_, err := n.Propose(within(t), "SET", fmt.Sprint(i), "v")
			outcomes <- err
		}()
	}
	if err := <-outcomes; err != nil {
		t.Error(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for range 99 {
		if err := <-outcomes; errors.Is(err, caucus.ErrUncertain) {
			t.Errorf("what was under way was left: %v", err)
		}
	}
	select {
	case <-s.Lost():
	case <-within(t).Done():
		t.Fatal("the session goes on without a node")
	}
	_ = s.Close() // it is over; that it cannot be told to anybody is no news
	if _, err := n.Propose(within(t), "GET", "k"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("after the end: %v", err)
	}
}
