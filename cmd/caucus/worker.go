package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// workerCmd is a worker of the demo. It reads the items from standard input, joins the group, works on what
// it owns while it may believe that it does, and writes down each step on standard output. It ends when
// standard input does, and so with its parent.
type workerCmd struct {
	Addr   []string      `required:"" help:"Client addresses of nodes."`
	Group  string        `default:"demo" help:"Group that divides the work."`
	Name   string        `required:"" help:"Name of this worker."`
	Settle time.Duration `required:"" help:"Settle period of the group."`
	TTL    time.Duration `default:"3s" help:"How long the ensemble waits for a sign of life."`
}

const (
	stepTime     = 4 * time.Millisecond
	stepsPerPass = 75 // so that a worker is through with its share in a third of a second
)

// Run works until standard input ends.
func (w *workerCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	in := bufio.NewReader(os.Stdin)
	var items []item
	if err := json.NewDecoder(in).Decode(&items); err != nil {
		return fmt.Errorf("items: %w", err)
	}
	go func() { // ends with standard input or the process
		_, _ = io.Copy(io.Discard, in)
		cancel(errOrphaned)
	}()
	c, err := client.Dial(ctx, client.Config{Addrs: w.Addr})
	if err != nil {
		return err
	}
	defer c.Close()
	// On loopback only this process can close its connection, so its death may count at once.
	s, err := c.Session(ctx, client.SessionOptions{TTL: w.TTL, Grace: client.Immediately})
	if err != nil {
		return err
	}
	defer s.Close()
	m, err := s.Join(ctx, w.Group, client.JoinOptions{Name: w.Name, Settle: w.Settle})
	if err != nil {
		return err
	}
	err = (&labour{items: items, member: m, out: json.NewEncoder(os.Stdout)}).work(ctx)
	if errors.Is(err, errOrphaned) {
		return nil
	}
	return err
}

var errOrphaned = errors.New("standard input has ended")

// labour is a worker's doing.
type labour struct {
	items  []item
	member *client.Member
	out    *json.Encoder

	mine  caucus.Assignment
	share []int // places of what falls to mine
	next  int   // position in it
	sum   uint32
}

func (l *labour) work(ctx context.Context) error {
	for ctx.Err() == nil {
		a, err := l.member.WaitAssignment(ctx)
		if err != nil {
			return err
		}
		if a != l.mine {
			l.mine, l.share, l.next = a, share(l.items, a.Index, a.Total), 0
		}
		if err := l.step(); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// step works on some items, if the assignment may still be believed, and writes down when.
func (l *labour) step() error {
	if a, ok := l.member.Assignment(); !ok || a != l.mine {
		return nil
	}
	chunk := max(1, (len(l.share)+stepsPerPass-1)/stepsPerPass)
	s := step{Index: l.mine.Index, Total: l.mine.Total, Epoch: l.mine.Epoch, Start: ticks()}
	s.From = l.next
	s.To = min(l.next+chunk, len(l.share))
	for _, place := range l.share[s.From:s.To] {
		l.sum = crc32.Update(l.sum, crc32.IEEETable, []byte(l.items[place].Text))
	}
	time.Sleep(stepTime)
	s.End = ticks()
	if l.next = s.To; l.next == len(l.share) {
		l.next = 0
	}
	return l.out.Encode(s)
}
