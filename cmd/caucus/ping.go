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
	Ready bool `help:"Ask for more than life: that it can serve what a majority confirms."`
}

// Run fails when none of the addresses answers. A node that only wants a password is alive.
func (c *pingCmd) Run(ctx context.Context) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cfg, err := c.config()
	if err != nil {
		return err
	}
	cfg.AddrsOnly, cfg.Once = true, true
	cl, err := client.Dial(ctx, cfg)
	switch {
	case errors.Is(err, caucus.ErrNoAuth) && !c.Ready:
	case err != nil:
		return c.unreached(err)
	default:
		defer cl.Close()
		words := caucus.Command{"PING"}
		if c.Ready {
			words = caucus.Command{"DBSIZE"}
		}
		if _, err := cl.Do(ctx, words); err != nil {
			return err
		}
	}
	_, err = fmt.Printf("PONG after %.1f ms\n", float64(time.Since(begun).Microseconds())/1000)
	return err
}
