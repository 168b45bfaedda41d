package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// pingCmd asks whether a node is alive, for those who watch over it.
type pingCmd struct {
	ensembleFlags
	Ready bool          `help:"Ask for more than life: that it can serve what a majority confirms."`
	Wait  time.Duration `help:"How long to ask again until it is so, such as 30s." placeholder:"DURATION"`
}

// Run fails when none of the addresses answers.
func (c *pingCmd) Run(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	cfg.AddrsOnly, cfg.Once = true, true
	took, err := c.ask(ctx, cfg)
	until, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	for err != nil && mayPass(err) && pause(until) {
		took, err = c.ask(ctx, cfg)
	}
	if err == nil {
		_, err = fmt.Printf("PONG after %.1f ms\n", float64(took.Microseconds())/1000)
	}
	return err
}

// mayPass says whether what is wrong may be right in a moment.
func mayPass(err error) bool {
	return !errors.Is(err, caucus.ErrNoAuth) && !errors.Is(err, caucus.ErrWrongPass) &&
		!errors.Is(err, caucus.ErrDenied)
}

// pause waits a moment, and says whether there is time for another try.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(100 * time.Millisecond):
		return true
	}
}

// ask asks once, and says how long the answer took. A node that only wants a password is alive.
func (c *pingCmd) ask(ctx context.Context, cfg client.Config) (time.Duration, error) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cl, err := client.Dial(ctx, cfg)
	switch {
	case errors.Is(err, caucus.ErrNoAuth) && !c.Ready:
		return time.Since(begun), nil
	case err != nil:
		return 0, c.unreached(err)
	}
	defer cl.Close()
	words := caucus.Command{"PING"}
	if c.Ready {
		words = caucus.Command{"DBSIZE"}
	}
	_, err = cl.Do(ctx, words)
	return time.Since(begun), err
}
