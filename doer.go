package caucus

import "context"

// Command is one request: its name (any case), then its arguments. Strings hold any bytes.
type Command []string

// Doer carries out commands one at a time. It is what a remote client and an embedded node have in common.
type Doer interface {
	// Do carries out one command. A reply that is an error comes back as error, of type *Error, so that
	// errors.Is(err, ErrTryAgain) works whether the ensemble is in this process or across a network.
	// Do may be called from several goroutines; calls on one Doer that must be in order must wait for each
	// other. It returns within the request timeout even when ctx has no deadline, or a moment later
	// with an answer that was under way.
	Do(ctx context.Context, cmd Command) (Reply, error)
}
