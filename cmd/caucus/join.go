package main

import (
	"context"
	"fmt"
	"time"

	"github.com/caucus-project/caucus/client"
)

// joinCmd runs a command as a member of a group, with its share of the work in the environment.
type joinCmd struct {
	Group groupName `arg:"" help:"Name of the group."`
	wrapFlags
	Settle   *time.Duration `help:"Settle period of a new group; by default the node's." placeholder:"6s"`
	Min      int            `help:"Members that a new group needs before work is divided." placeholder:"N"`
	Slots    int            `help:"Work by slots, and divide a new group's work into so many: CAUCUS_SLOTS has those of the command, which settling does not stop." placeholder:"N"`
	OnChange onChange       `default:"restart" help:"'restart', or a signal that tells the command to read the file CAUCUS_FILE, while it goes on." placeholder:"restart|SIGNAL"`
}

// Most that a group may have, of slots and as its minimum.
const (
	maxSlots = 65_536
	maxMin   = 100_000
)

// Validate looks at what can be judged before anything is done; kong calls it.
func (c *joinCmd) Validate() error {
	switch {
	case c.Slots < 0 || c.Slots > maxSlots:
		return fmt.Errorf("--slots must be from 0 to %d, not %d", maxSlots, c.Slots)
	case c.Min < 0 || c.Min > maxMin:
		return fmt.Errorf("--min must be from 0 to %d, not %d", maxMin, c.Min)
	}
	return c.wrapFlags.Validate()
}

// Run is the member until the command ends by itself.
func (c *joinCmd) Run(ctx context.Context) error {
	mandate := ofShare
	if c.Slots > 0 {
		mandate = ofSlots
	}
	return wrap(ctx, wrapping{group: string(c.Group), flags: &c.wrapFlags, mandate: mandate,
		signal: c.OnChange.signal, join: client.JoinOptions{Settle: stated(c.Settle), Min: c.Min, Slots: c.Slots}})
}

// stated gives a duration as client.JoinOptions takes it.
func stated(d *time.Duration) time.Duration {
	switch {
	case d == nil:
		return 0
	case *d == 0:
		return client.Immediately
	}
	return *d
}
