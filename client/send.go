package client

import (
	"context"
	"errors"

	"github.com/caucus-project/caucus"
)

// Recipient says for whom a message is; at most one of its fields may be set. The zero value is all
// members, the sender among them.
type Recipient struct {
	Member  string // one member
	Leader  bool   // whoever leads
	Ordered bool   // all, through the log: everyone sees all ordered messages in one order
}

func (r Recipient) words() caucus.Command {
	switch {
	case r.Member != "":
		return caucus.Command{"TO", r.Member}
	case r.Leader:
		return caucus.Command{"LEADER"}
	case r.Ordered:
		return caucus.Command{"ORDERED"}
	}
	return nil
}

// Send is Session.Send to the member's own group.
func (m *Member) Send(ctx context.Context, payload string, to Recipient) (addressed int, err error) {
	return m.s.Send(ctx, m.group, payload, to)
}

// Send sends a message of at most 1 MiB to members of a group, of which the session need not be one, and
// gives to how many it was addressed. It fails with caucus.ErrNoLeader or caucus.ErrNoMember when there
// is nobody to address. A message is sent at most once; after caucus.ErrUncertain it may have been.
func (s *Session) Send(ctx context.Context, group, payload string, to Recipient) (addressed int, err error) {
	cmd := append(caucus.Command{"GROUP", "SEND", group, payload}, to.words()...)
	var reply caucus.Reply
	if to.Ordered {
		reply, err = s.doOnce(ctx, cmd)
	} else {
		reply, err = s.try(ctx, cmd)
	}
	if lost := (*lostError)(nil); errors.As(err, &lost) {
		err = s.unanswered(ctx, err, inDoubt(err))
	}
	return int(reply.Int), err
}
