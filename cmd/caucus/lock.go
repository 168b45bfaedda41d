package main

import (
	"context"
	"fmt"

	"github.com/caucus-project/caucus"
)

// lockCmd runs a command while it holds a lock, once: when the lock is lost the command is stopped, and
// what it has left undone is for its caller to judge.
type lockCmd struct {
	Name lockName `arg:"" help:"Name of the lock."`
	wrapFlags
}

// Run stands in line, holds the lock, and ends with the command.
func (c *lockCmd) Run(ctx context.Context) error {
	return wrap(ctx, wrapping{group: caucus.LockGroup(string(c.Name)), flags: &c.wrapFlags, mandate: ofLeader,
		once: true})
}

// lockName is the name of a lock on the command line.
type lockName string

// Validate looks at what was given; kong calls it.
func (l lockName) Validate() error {
	if caucus.ValidGroup(caucus.LockGroup(string(l))) {
		return nil
	}
	return fmt.Errorf("%q is no name of a lock: letters, digits, and . _ - / between them", string(l))
}
