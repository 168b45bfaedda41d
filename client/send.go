package client

import (
	"context"

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
		reply, err = s.sendOnce(ctx, cmd)
	}
	return int(reply.Int), err
}

// sendOnce makes one attempt, since a node does not remember what it sent.
func (s *Session) sendOnce(ctx context.Context, cmd caucus.Command) (caucus.Reply, error) {
	ctx, cancel := s.c.cfg.bounded(ctx)
	defer cancel()
	replies, err := s.try(ctx, cmd)
	if err != nil {
		return caucus.Reply{}, s.unanswered(ctx, err, inDoubt(err))
	}
	return replies[0], replies[0].Err()
}
