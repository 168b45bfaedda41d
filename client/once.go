package client

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// Session is a caucus.Doer.
var _ caucus.Doer = (*Session)(nil)

// Do carries out one command for the session. A write is numbered within it (ONCE, SAFETY A15): when its
// answer does not come, because the connection broke or the leader was lost, it is sent again, after the
// session was resumed on another node if need be, and applied once, until it is answered, ctx ends or the
// session is over. Only in these two cases an outcome can stay unknown, which is caucus.ErrUncertain; what
// is under way when ctx ends is waited for a moment longer, 250 ms at most. caucus.ErrGap means that it was
// applied and that its answer, of more than 64 KiB, is no longer kept.
//
// The writes of a session go one after the other, in the order in which they get their turn, and take a
// round trip each; a transaction is one. Reads do not wait for them.
//
// What belongs to one connection is refused, and so is what ends what a member holds (GROUP LEAVE, RELEASE,
// RESIGN, TRANSFER, SESSION CLOSE of its own): Member and Session have calls that stop first what acts for
// it.
func (s *Session) Do(ctx context.Context, cmd caucus.Command) (caucus.Reply, error) {
	err := s.refuse(cmd)
	if err == nil {
		err = s.c.refuseAlone(cmd)
	}
	if err != nil {
		return caucus.Reply{}, err
	}
	writes, err := s.c.writes(ctx, cmd)
	switch {
	case err != nil:
		return caucus.Reply{}, err
	case writes:
		return s.doOnce(ctx, cmd)
	case ofMember(cmd):
		return s.do(ctx, cmd)
	}
	return s.c.Do(ctx, cmd)
}

// transact is Transact in the session's name: as one of its numbered writes, unless it only reads.
func (s *Session) transact(ctx context.Context, cmds []caucus.Command,
	guards []Guard) ([]caucus.Reply, error) {
	if err := transactional(cmds, guards, s.refuse); err != nil {
		return nil, err
	}
	numbered := false
	for _, cmd := range cmds {
		writes, err := s.c.writes(ctx, cmd)
		if err != nil {
			return nil, err
		}
		numbered = numbered || writes
	}
	var replies []caucus.Reply
	var err error
	if numbered {
		replies, err = s.inTurn(ctx, func(once caucus.Command) []caucus.Command {
			return transaction(cmds, guards, once)
		})
	} else {
		replies, err = s.exchange(ctx, transaction(cmds, guards, nil)...)
	}
	if err == nil {
		replies, err = executed(replies, len(guards))
	}
	if errors.Is(err, ErrFenced) {
		s.nudge() // what is taken from the session is learnt now
	}
	return replies, err
}

// refuse names what cannot be done in a session by Do.
func (s *Session) refuse(cmd caucus.Command) error {
	if err := s.Err(); err != nil {
		return err
	}
	if err := s.c.refuse(cmd); err != nil {
		return err
	}
	if len(cmd) < 2 {
		return nil
	}
	name := strings.ToUpper(cmd[0] + " " + cmd[1])
	call := endings[name]
	if call == "" || name == "SESSION CLOSE" && !slices.Contains(cmd[2:], s.id) {
		return nil
	}
	return caucus.Errorf(caucus.ErrBad, "client: '%s' ends what a member holds; %s does so when "+
		"what acts for it has stopped", name, call)
}

// endings are the commands that end what a member holds, and what to call instead.
var endings = map[string]string{"GROUP LEAVE": "Member.Leave", "GROUP RESIGN": "Member.Resign",
	"GROUP RELEASE": "OnRelease", "GROUP TRANSFER": "Member.Transfer", "SESSION CLOSE": "Session.Close"}

// ofMember says whether a read is about the session's own member, which it does not name.
func ofMember(cmd caucus.Command) bool {
	return len(cmd) > 2 && strings.EqualFold(cmd[0], "group") &&
		(strings.EqualFold(cmd[1], "index") || strings.EqualFold(cmd[1], "slots")) &&
		!slices.ContainsFunc(cmd[3:], func(word string) bool { return strings.EqualFold(word, "MEMBER") })
}

// writes says whether a command changes the state, so that it can be numbered. Of a command that is not in
// the table, because the program that the nodes are part of has added it, they are asked, once.
func (c *Client) writes(ctx context.Context, cmd caucus.Command) (bool, error) {
	if spec, err := c.table.Lookup(cmd); err == nil {
		return spec.Writes(), nil
	}
	name := strings.ToLower(cmd[0])
	if known, ok := c.custom.Load(name); ok {
		return known.(bool), nil
	}
	r, err := c.Do(ctx, caucus.Command{"COMMAND", "INFO", name})
	if err != nil {
		return false, err
	}
	writes := false
	if len(r.Items) == 1 && len(r.Items[0].Items) > 2 {
		writes = slices.ContainsFunc(r.Items[0].Items[2].Items,
			func(flag caucus.Reply) bool { return flag.Text() == "write" })
		c.custom.Store(name, writes)
	}
	return writes, nil
}

// doOnce carries out a write that is not to be repeated (SAFETY A15).
func (s *Session) doOnce(ctx context.Context, cmd caucus.Command) (caucus.Reply, error) {
	replies, err := s.inTurn(ctx, func(once caucus.Command) []caucus.Command {
		return []caucus.Command{append(once, cmd...)}
	})
	if err != nil {
		return caucus.Reply{}, err
	}
	return replies[0], replies[0].Err()
}

// inTurn carries out a pipeline whose write has the session's next number. Numbers are used in order, one
// pipeline after the other: the ensemble takes a number below the last one for a repetition.
func (s *Session) inTurn(ctx context.Context,
	pipeline func(once caucus.Command) []caucus.Command) ([]caucus.Reply, error) {
	ctx, cancel := s.c.cfg.bounded(ctx)
	defer cancel()
	var last uint64
	select {
	case last = <-s.numbers:
	case <-s.lost:
		return nil, s.Err()
	case <-ctx.Done():
		return nil, notApplied(nil, context.Cause(ctx))
	}
	defer func() { s.numbers <- last + 1 }()
	once := caucus.Command{"ONCE", strconv.FormatUint(last+1, 10)}
	return s.exchange(ctx, pipeline(once)...)
}
