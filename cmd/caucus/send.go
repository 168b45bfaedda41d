package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/caucus-project/caucus/client"
)

// sendCmd sends a message to members of a group, without being one of them.
type sendCmd struct {
	ensembleFlags
	Group   groupName `arg:"" help:"Name of the group."`
	Text    string    `arg:"" help:"The message."`
	Leader  bool      `xor:"to" help:"Only to the leader."`
	To      string    `xor:"to" help:"Only to this member." placeholder:"MEMBER"`
	Ordered bool      `xor:"to" help:"Through the log: all members see all such messages in one order."`
}

// Run says to how many members the message was addressed.
func (c *sendCmd) Run(ctx context.Context) (err error) {
	cl, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	session, err := cl.Session(ctx, client.SessionOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	n, err := session.Send(ctx, string(c.Group), c.Text,
		client.Recipient{Member: c.To, Leader: c.Leader, Ordered: c.Ordered})
	if err == nil {
		fmt.Println("sent to", n)
	}
	return err
}
