//go:build linux

package tests

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// TestTheDeaf: subscribers who read nothing, and to each of whom something else is said, are cut before they
// hold more together than all clients may. Who reads hears everything meanwhile.
func TestTheDeaf(t *testing.T) {
	const many, each, allowed, text = 50, 64, 32 << 20, 128 << 10
	node := nodetest.Start(t, 1, nodetest.Flags("--max-client-memory", fmt.Sprint(allowed)))
	addr := node.Addr(0)
	for i := range many {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "SUBSCRIBE deaf%d\r\n", i); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, len("*3\r\n"))); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := holds(t, addr)
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	defer c.Close()
	reads := c.Subscribe(t.Context(), "reads")
	defer reads.Close()
	if _, err := reads.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	var most, clients int64
	cut := false
	for round := range each {
		payload := fmt.Sprint(round) + strings.Repeat("x", text)
		for i := range many {
			heard, err := c.Publish(t.Context(), fmt.Sprintf("deaf%d", i), payload).Result()
			if err != nil {
				t.Fatal(err)
			}
			cut = cut || heard == 0
		}
		if err := c.Publish(t.Context(), "reads", payload).Err(); err != nil {
			t.Fatal(err)
		}
		m, err := reads.ReceiveMessage(t.Context())
		if err != nil || m.Payload != payload {
			t.Fatalf("round %d: who reads is told %v, %v", round, m, err)
		}
		all, theirs := holds(t, addr)
		most, clients = max(most, all), max(clients, theirs)
	}
	t.Logf("%d MiB at rest, %d at most, of them %d for what clients hold", before>>20, most>>20, clients>>20)
	if clients > allowed || clients < allowed/2 || !cut {
		t.Errorf("clients held %d bytes, and was one cut: %t", clients, cut)
	}
	// What clients hold; for each what he may hold in any case, and a message that is being written; and all
	// twice more for what the collector has not seen or not given back yet.
	if bound := before + 3*(allowed+many*2*text); most > bound {
		t.Errorf("the node held %d MiB, and %d would do", most>>20, bound>>20)
	}
}
