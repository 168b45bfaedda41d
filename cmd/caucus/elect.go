package main

import "context"

// electCmd runs a command while its member leads a group.
type electCmd struct {
	Group groupName `arg:"" help:"Name of the group."`
	wrapFlags
}

// Run is the member until the command ends by itself.
func (c *electCmd) Run(ctx context.Context) error {
	return wrap(ctx, wrapping{group: string(c.Group), flags: &c.wrapFlags, mandate: ofLeader})
}
