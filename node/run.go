package node

import (
	"context"
	"errors"
)

// Run opens a node and runs it until ctx ends or it stops by itself, and closes it: the life of a program
// whose work is done in the functions of cfg. It gives nil when ctx ended it, also while it was opening, and
// otherwise why it could not be opened or has stopped. OnStart is given the node, for those who need it.
func Run(ctx context.Context, cfg Config) error {
	n, err := Open(ctx, cfg)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return nil
	case err != nil:
		return err
	}
	select {
	case <-ctx.Done():
	case <-n.Done():
	}
	return n.Close()
}
