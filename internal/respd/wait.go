package respd

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// wait carries out a command that may wait for its answer, unless it stands in a transaction, where it does
// not. What was answered before it in the pipeline is written first. While it waits somebody else reads from
// the connection, so that a client that goes away is not waited for, and its session hears of it.
func (c *client) wait(cmd caucus.Command, spec *command.Spec) {
	c.run()
	c.gather(cmd, spec, nil)
	if c.multi.Load() {
		return
	}
	_ = c.out.flush() // a failure is met again when the pipeline is done
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if err := c.in.Watch(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			cancel()
		}
	}()
	c.waits.Store(true)
	c.runUntil(ctx)
	c.wentOn()
	c.waits.Store(false)
	if c.conn.SetReadDeadline(time.Unix(1, 0)) != nil {
		c.hangUp()
	}
	<-watched
	c.watchEntrance()
}
