package tests

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// successions is how often a leading member is lost, from each node and to each three times.
const successions = 27

// BenchmarkSuccession takes how long a group is without its leader when that is a process that is ended by
// kill -9, and vouched that only it can close its connection (GRACE 0): from the signal until its successor,
// on one of three nodes, has the event that says that it leads.
//
//	go test -run xxx -bench Succession ./tests
func BenchmarkSuccession(b *testing.B) {
	c := nodetest.Start(b, 3)
	var times []time.Duration
	for i := range successions {
		times = append(times, succession(b, c.Addr(i%3), c.Addr(i/3%3), fmt.Sprintf("succession-%d", i)))
	}
	m, least, most := spreadOf(times, time.Duration.Seconds)
	b.ReportMetric(m.Seconds()*1000, "ms/median")
	b.ReportMetric(most.Seconds()*1000, "ms/worst")
	b.ReportMetric(0, "ns/op")
	fmt.Printf("\n| leading member lost by | its successor knows, median (least to most of %d) |\n"+
		"| --- | --- |\n| kill -9 | %s (%s to %s) |\n\n", successions, millis(m), millis(least), millis(most))
}

// succession has a process lead a group, kills it, and gives the time until its successor knows.
func succession(b *testing.B, leading, succeeding, group string) time.Duration {
	b.Helper()
	kill := hireLeader(b, leading, group)
	heir, err := enter(succeeding, group)
	if err == nil {
		defer heir.Close()
		err = orders(heir, []string{"SUBSCRIBE", "caucus:g:" + group})
	}
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	kill()
	for {
		event, err := heir.Read()
		if err != nil {
			b.Fatal(err)
		}
		if len(event.Items) == 3 && isEvent([]byte(event.Items[2].Str), "leader") {
			took := time.Since(begun)
			if !strings.Contains(event.Items[2].Str, `"previous":"first"`) {
				b.Fatal(event.Items[2].Str)
			}
			return took
		}
	}
}

// hireLeader starts a process that leads a group, and gives what kills it.
func hireLeader(b *testing.B, addr, group string) (kill func()) {
	b.Helper()
	p := exec.Command(os.Args[0])
	p.Env = append(os.Environ(), leadAt+"="+addr, leadGroup+"="+group)
	p.Stderr = os.Stderr
	orphan, err := p.StdinPipe() // it ends with this process
	if err != nil {
		b.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		orphan.Close()
		_ = p.Wait() // killed, which is what it was for
	})
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "leads\n" {
		b.Fatalf("the leader said %q, %v", said, err)
	}
	return func() {
		if err := p.Process.Kill(); err != nil {
			b.Fatal(err)
		}
	}
}

// The environment of a process that is to lead.
const (
	leadAt    = "CAUCUS_TEST_LEAD_AT"
	leadGroup = "CAUCUS_TEST_LEAD_GROUP"
)

// lead is what the test binary does as such a process. It ends with its parent.
func lead(addr, group string) error {
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Addrs: []string{addr}})
	if err != nil {
		return err
	}
	s, err := c.Session(ctx, client.SessionOptions{Grace: client.Immediately})
	if err != nil {
		return err
	}
	m, err := s.Join(ctx, group, client.JoinOptions{Name: "first", Settle: time.Hour})
	if err != nil {
		return err
	}
	for {
		changed := m.Changed()
		if _, ok := m.IsLeader(); ok {
			break
		}
		<-changed
	}
	fmt.Println("leads")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
