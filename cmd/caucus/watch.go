package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// watchCmd shows what happens in a group, as it happens, through whatever node is there.
type watchCmd struct {
	ensembleFlags
	Group groupName `arg:"" help:"Name of the group. One that does not exist is waited for."`
	From  *uint64   `help:"Begin with the event of this seq, as far as the last 1,024 are kept; 0: with the oldest." placeholder:"SEQ"`
	JSON  bool      `name:"json" help:"On a terminal, too, as JSON: a line for each event, as it is published."`
}

// Run ends by a signal, or when nobody reads any more what it writes.
func (c *watchCmd) Run(ctx context.Context) error {
	cl, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, stop := untilUnread(ctx, os.Stdout)
	defer stop()
	line := func(e client.Event) string { return e.Raw }
	if term.IsTerminal(int(os.Stdout.Fd())) && !c.JSON {
		line = newScreen(os.Stdout).event
		c.greet(ctx, cl)
	}
	events := cl.Events(ctx, string(c.Group))
	if c.From != nil {
		events = cl.EventsFrom(ctx, string(c.Group), *c.From)
	}
	for e, err := range events {
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			_, err = fmt.Println(line(e))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// greet tells a person why nothing is to be seen yet.
func (c *watchCmd) greet(ctx context.Context, cl *client.Client) {
	_, err := cl.Do(ctx, caucus.Command{"GROUP", "INFO", string(c.Group)})
	switch {
	case errors.Is(err, caucus.ErrNoGroup):
		fmt.Fprintf(os.Stderr, "caucus: there is no group %s yet; waiting for it\n", c.Group)
	case err != nil && ctx.Err() == nil:
		fmt.Fprintf(os.Stderr, "caucus: %v; trying on\n", err)
	}
}
