package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/caucus-project/caucus"
)

// Guard makes a transaction depend on something that a member was granted: unless it is still granted when
// the transaction is applied, nothing of it is. So a process that was paused or cut off between its check
// and its write does no harm. Make it of the token under which the work was begun, not of one that is asked
// for at the time of writing.
type Guard struct{ words caucus.Command }

// GuardTerm holds while the group's leader leads under that term: that of Member.IsLeader or Lead. The
// nodes themselves are the group "nodes", whose terms package node gives (Node.Term, Config.OnLeader).
func GuardTerm(group string, term uint64) Guard {
	return Guard{caucus.Command{"GUARD", group, "TERM", strconv.FormatUint(term, 10)}}
}

// GuardEpoch holds while the group is settled and its work divided under that epoch: that of an Assignment.
func GuardEpoch(group string, epoch uint64) Guard {
	return Guard{caucus.Command{"GUARD", group, "EPOCH", strconv.FormatUint(epoch, 10)}}
}

// GuardSlot holds while nobody was granted the slot after that epoch, which Member.Slots gave, and it was not
// released: whoever else joins or leaves, it holds for who keeps the slot.
func GuardSlot(group string, slot int, epoch uint64) Guard {
	return Guard{caucus.Command{"GUARD", group, "SLOT", strconv.Itoa(slot), "EPOCH",
		strconv.FormatUint(epoch, 10)}}
}

// Guard gives the guard that holds while the lock is held under this term.
func (l *Lock) Guard() Guard { return GuardTerm(l.m.group, l.term) }

// ErrFenced is what a transaction fails with whose guard does not hold any more: nothing of it was applied.
// Whoever gets it has lost what it was granted, and stops. It is a kind of caucus.ErrConflict.
var ErrFenced error = caucus.Errorf(caucus.ErrConflict,
	"a guard of the transaction does not hold any more; nothing was applied")

// transaction gives the pipeline of a transaction. Once, when not nil, numbers it.
func transaction(cmds []caucus.Command, guards []Guard, once caucus.Command) []caucus.Command {
	pipeline := make([]caucus.Command, 0, len(cmds)+len(guards)+2)
	pipeline = append(pipeline, caucus.Command{"MULTI"})
	for _, g := range guards {
		pipeline = append(pipeline, g.words)
	}
	return append(append(pipeline, cmds...), append(slices.Clone(once), "EXEC"))
}

// executed reads the answers to a transaction with so many guards in front.
func executed(replies []caucus.Reply, guards int) ([]caucus.Reply, error) {
	if _, err := checked(replies, nil); err != nil {
		return nil, err // EXECABORT would be the last of them, the reason for it the first
	}
	last := replies[len(replies)-1]
	switch {
	case last.IsNil():
		return nil, ErrFenced
	case len(last.Items) < guards:
		return nil, fmt.Errorf("client: %w: %d answers to a transaction", errProtocol, len(last.Items))
	}
	return last.Items[guards:], nil
}

// transactional refuses what may not stand in a transaction here, by a rule for single commands.
func transactional(cmds []caucus.Command, guards []Guard, refuse func(caucus.Command) error) error {
	for _, g := range guards {
		if g.words == nil {
			return caucus.Errorf(caucus.ErrBad, "client: a guard of nothing; make one with GuardTerm or its like")
		}
	}
	for _, cmd := range cmds {
		if err := refuse(cmd); err != nil {
			return err
		}
	}
	return nil
}

// transact is Transact on the connection that all callers share: what goes out as one stays together.
func (c *Client) transact(ctx context.Context, cmds []caucus.Command,
	guards []Guard) ([]caucus.Reply, error) {
	if err := transactional(cmds, guards, c.refuse); err != nil {
		return nil, err
	}
	reads := !slices.ContainsFunc(cmds, func(cmd caucus.Command) bool { return !c.repeatable(cmd) })
	replies, err := c.exchange(ctx, reads, transaction(cmds, guards, nil)...)
	if err != nil {
		return nil, err
	}
	return executed(replies, len(guards))
}

// carry sends a pipeline, which may be a transaction. If MULTI were refused, by a node that begins to serve
// in the middle of it, what follows would be carried out one by one and unguarded. So the first
// transaction on a link is an empty one.
func (l *link) carry(ctx context.Context, pipeline ...caucus.Command) ([]caucus.Reply, error) {
	if pipeline[0][0] == "MULTI" && !l.multi.Load() {
		replies, err := l.tryMulti(ctx)
		if err != nil || !l.multi.Load() {
			return replies, err
		}
	}
	return l.do(ctx, pipeline...)
}

// tryMulti carries out an empty transaction. It gives the answer to MULTI.
func (l *link) tryMulti(ctx context.Context) ([]caucus.Reply, error) {
	replies, err := l.do(ctx, caucus.Command{"MULTI"}, caucus.Command{"EXEC"})
	if err != nil {
		return nil, unsent(err)
	}
	if replies[0].Err() == nil {
		l.multi.Store(true)
	}
	return replies[:1], nil
}

// unsent gives the error of a call that did nothing, whether or not it was heard.
func unsent(err error) error {
	if lost := (*lostError)(nil); errors.As(err, &lost) {
		return &lostError{lost.addr, false, lost.err}
	}
	return err
}

// Update sets a key to what change makes of its value (ok: it has one), provided that nobody changes the key
// meanwhile: then change is called again, with the new value. An error of change ends it, and nothing is
// set. The key keeps its time-to-live. With guards it fails with ErrFenced, and sets nothing, unless they
// hold. After caucus.ErrUncertain the value may have been set or not: who reads it anew knows.
//
// It uses a connection of its own. Without a deadline in ctx it takes Config.Timeout at most.
func (c *Client) Update(ctx context.Context, key string, change func(value string, ok bool) (string, error),
	guards ...Guard) error {
	err := c.firm()
	if err == nil {
		err = transactional(nil, guards, nil)
	}
	if err != nil {
		return err
	}
	ctx, cancel := c.cfg.bounded(ctx)
	defer cancel()
	var wait pause
	var unwanted error // of change, and not to be taken for one of the connection
	asked := func(value string, ok bool) (next string, err error) {
		next, unwanted = change(value, ok)
		return next, unwanted
	}
	for after := ""; ; {
		l, err := c.dialAny(ctx, after)
		if err != nil {
			return err
		}
		err = l.update(ctx, key, asked, guards)
		after = l.addr
		var lost *lostError
		switch {
		case unwanted != nil:
			return unwanted
		case errors.As(err, &lost) && lost.sent:
			return uncertain(err, err)
		case lost == nil && !caucus.SafeToRetry(err):
			return err
		}
		if ended := wait.wait(ctx); ended != nil {
			return notApplied(err, ended)
		}
	}
}

// update is Update on a connection that nobody shares, which is closed after it, also when change panics. The
// error of a connection that broke says whether the value was sent.
func (l *link) update(ctx context.Context, key string, change func(string, bool) (string, error),
	guards []Guard) error {
	defer l.close()
	if _, err := checked(l.tryMulti(ctx)); err != nil { // which would forget what is watched
		return err
	}
	for {
		replies, err := checked(l.do(ctx, caucus.Command{"WATCH", key}, caucus.Command{"GET", key}))
		if err != nil {
			return unsent(err)
		}
		next, err := change(replies[1].Text(), !replies[1].IsNil())
		if err != nil {
			return err
		}
		set := caucus.Command{"SET", key, next, "KEEPTTL"}
		replies, err = l.do(ctx, transaction([]caucus.Command{set}, guards, nil)...)
		if err == nil {
			_, err = executed(replies, len(guards))
		}
		if !errors.Is(err, ErrFenced) {
			return err
		}
		if len(guards) == 0 {
			continue
		}
		// It may have been the key: guards alone tell.
		replies, err = l.do(ctx, transaction(nil, guards, nil)...)
		if err != nil {
			return unsent(err)
		}
		if _, err := executed(replies, len(guards)); err != nil {
			return err
		}
	}
}

// checked gives the first error among the answers to a pipeline as its error.
func checked(replies []caucus.Reply, err error) ([]caucus.Reply, error) {
	for _, r := range replies {
		if err == nil {
			err = r.Err()
		}
	}
	return replies, err
}
