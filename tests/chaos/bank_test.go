//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
	"github.com/redis/go-redis/v9"
)

// bank is accounts between which money goes, in transactions: of clients that watch an account and spend what
// is there, and of the leader of a group, who spends from a large one under the guard of a term that may be
// over by then. Whoever looks sees all accounts at one moment.
type bank struct{ rounds[banking] }

type banking struct {
	opened    atomic.Bool // the accounts have what they begin with
	transfers notes[history.Transfer]
	looks     notes[history.Look]
}

// The accounts begin with so much each; the first is the large one.
const (
	accounts = 5
	credit   = 20
	treasure = 1_000_000_000
)

// branch is the keys of a round.
type branch int

func (n branch) account(i int) string { return fmt.Sprintf("bank:%d:account:%d", n, i) }
func (n branch) ledger() string       { return fmt.Sprintf("bank:%d:ledger", n) }
func (n branch) length() string       { return fmt.Sprintf("bank:%d:length", n) } // of the ledger

func (n branch) start() map[string]int64 {
	start := map[string]int64{n.account(0): treasure}
	for i := 1; i < accounts; i++ {
		start[n.account(i)] = credit
	}
	return start
}

// open gives the accounts what they begin with, once: whatever comes of an attempt, the next does no harm.
func (b *bank) open(c *crew, id int,
	do func(ctx context.Context, cmd caucus.Command) error) (branch, *banking, error) {
	n, now := b.now(c)
	if now.opened.Load() {
		return branch(n), now, nil
	}
	cmd := caucus.Command{"MSETNX"}
	for name, has := range branch(n).start() {
		cmd = append(cmd, name, strconv.FormatInt(has, 10))
	}
	_, err := c.write(id, func(ctx context.Context) error { return do(ctx, cmd) })
	if err == nil {
		now.opened.Store(true)
	}
	return branch(n), now, err
}

func (b *bank) run(ctx context.Context, c *crew) error {
	var clients sync.WaitGroup
	for i := range 2 {
		clients.Go(func() { b.spender(ctx, c, i) })
	}
	for i := 2; i < 5; i++ {
		clients.Go(func() {
			c.visits(ctx, i, client.SessionOptions{TTL: 3 * time.Second},
				func(ctx context.Context, s *client.Session, visit string) { b.treasurer(ctx, c, s, i, visit) })
		})
	}
	clients.Go(func() { b.looker(ctx, c, 5) })
	clients.Wait()
	return nil
}

// spender watches an account, and moves some of what is there.
func (b *bank) spender(ctx context.Context, c *crew, id int) {
	rng := c.rand(id)
	for n := 0; ctx.Err() == nil; n++ {
		d, err := openPool(ctx, c, id, rng)
		for ; err == nil && ctx.Err() == nil; n++ {
			err = b.spend(c, d.(pool).c, id, fmt.Sprintf("s%d.%d", id, n), rng)
			rest(ctx, 80*time.Millisecond, rng)
		}
		if d != nil {
			d.close()
		}
	}
}

func (b *bank) spend(c *crew, conn *redis.Client, id int, word string, rng *rand.Rand) error {
	n, now, err := b.open(c, id, func(ctx context.Context, cmd caucus.Command) error {
		return redisDo(ctx, conn, cmd)
	})
	if err != nil {
		return err
	}
	from := rng.IntN(accounts-1) + 1
	to := from%(accounts-1) + 1
	one := history.Transfer{From: n.account(from), To: n.account(to), Amount: rng.Int64N(credit) + 1}
	one.Word = word
	sent, poor := false, false
	one.Call, err = c.write(id, func(ctx context.Context) error {
		err := conn.Watch(ctx, func(tx *redis.Tx) error {
			has, err := tx.Get(ctx, one.From).Int64()
			if poor = err == nil && has < one.Amount; err != nil || poor {
				return err
			}
			sent = true
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.DecrBy(ctx, one.From, one.Amount)
				p.IncrBy(ctx, one.To, one.Amount)
				p.Append(ctx, n.ledger(), one.Word+";")
				p.Incr(ctx, n.length())
				return nil
			})
			return transacted(err)
		}, one.From)
		if !sent {
			return notSent(err)
		}
		return err
	})
	now.transfers.add(one)
	if errors.Is(err, redis.TxFailedErr) || poor {
		return nil
	}
	return err
}

func redisDo(ctx context.Context, conn *redis.Client, cmd caucus.Command) error {
	args := make([]any, len(cmd))
	for i, word := range cmd {
		args[i] = word
	}
	return conn.Do(ctx, args...).Err()
}

// treasurer spends from the large account while it leads, under its term, and under one that it had, which
// must come to nothing.
func (b *bank) treasurer(ctx context.Context, c *crew, s *client.Session, id int, visit string) {
	m, err := s.Join(ctx, "bank", client.JoinOptions{Name: visit, Settle: client.Immediately})
	if err != nil {
		return
	}
	rng, term := c.rand(id), uint64(0)
	for n := 0; ctx.Err() == nil; n++ {
		if now, leads := m.IsLeader(); leads {
			term = now
		}
		if term > 0 {
			b.grant(c, s, id, fmt.Sprintf("%s.%d", visit, n), term)
		}
		if rng.IntN(15) == 0 {
			_, _ = c.write(id, m.Resign) // somebody else's turn, if that was heard
		}
		rest(ctx, 100*time.Millisecond, rng)
	}
}

// grant moves one under a guard.
func (b *bank) grant(c *crew, s *client.Session, id int, word string, term uint64) {
	n, now, err := b.open(c, id, func(ctx context.Context, cmd caucus.Command) error {
		_, err := s.Do(ctx, cmd)
		return err
	})
	if err != nil {
		return
	}
	one := history.Transfer{From: n.account(0), To: n.account(1), Amount: 1}
	one.Word, one.Term = word, term
	one.Call, _ = c.write(id, func(ctx context.Context) error {
		_, err := s.Transact(ctx, []caucus.Command{{"DECR", one.From}, {"INCR", one.To},
			writeDown(n.ledger(), word), {"INCR", n.length()}}, client.GuardTerm("bank", term))
		return err
	})
	now.transfers.add(one)
}

// looker reads all accounts and how long the ledger is, in one transaction.
func (b *bank) looker(ctx context.Context, c *crew, id int) {
	rng := c.rand(id)
	for ctx.Err() == nil {
		conn, err := c.dial(ctx, id)
		if err != nil {
			continue
		}
		for i := 0; i < 100 && ctx.Err() == nil; i++ { // and then through another connection
			n, now := b.now(c)
			if one, err := b.look(c, conn, id, branch(n)); err == nil && now.opened.Load() {
				now.looks.add(one)
			}
			rest(ctx, 100*time.Millisecond, rng)
		}
		_ = conn.Close()
	}
}

func (b *bank) look(c *crew, conn *client.Client, id int, n branch) (one history.Look, err error) {
	cmd := caucus.Command{"MGET", n.length()}
	for i := range accounts {
		cmd = append(cmd, n.account(i))
	}
	var r caucus.Reply
	read, err := c.read(id, func(ctx context.Context) (err error) {
		r, err = conn.Do(ctx, cmd)
		return err
	})
	if err != nil {
		return one, err
	}
	one = history.Look{Span: read.Span, Balances: map[string]int64{}}
	one.Length, _ = strconv.Atoi(r.Items[0].Text()) // nothing is 0
	for i, has := range r.Items[1:] {
		if one.Balances[n.account(i)], err = strconv.ParseInt(has.Text(), 10, 64); err != nil {
			return one, err
		}
	}
	return one, nil
}

func (b *bank) check(ctx context.Context, c *crew) error {
	conn, err := c.dial(ctx, 0)
	if err != nil {
		return err
	}
	defer conn.Close()
	var v history.Verdict
	for i, one := range b.list {
		if n := branch(i); one.opened.Load() {
			last, err := b.look(c, conn, -1, n)
			if err != nil {
				return fmt.Errorf("a look at rest: %w", err)
			}
			list, _, err := conn.Get(ctx, n.ledger())
			if err != nil {
				return fmt.Errorf("the ledger at rest: %w", err)
			}
			v.Add(history.Bank(n.start(), one.transfers.all(), append(one.looks.all(), last), written(list)))
		}
	}
	return c.judged("transfers", v)
}
