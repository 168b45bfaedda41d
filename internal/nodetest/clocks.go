package nodetest

import (
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/caucus-project/caucus/internal/clocks"
)

// Clocks are those of a machine of its own, as far as programs go that were built to be misled: all
// processes that are given the same Clocks agree on them, and they stay wrong over restarts. They begin
// true.
type Clocks struct {
	path string

	mu       sync.Mutex
	schedule clocks.Schedule
	ppm      int64
}

// NewClocks keeps the clocks of a machine in a file.
func NewClocks(path string) *Clocks { return &Clocks{path: path} }

// Env gives the setting by which a program that was built to be misled reads these clocks.
func (c *Clocks) Env() string { return clocks.Env + "=" + c.path }

// Run is the Run of the package for a binary that reads these clocks.
func (c *Clocks) Run(args ...string) (*Process, error) {
	path, err := misled()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), c.Env())
	return start(cmd)
}

// Set moves the wall clock, forward or back. It has moved when Set returns.
func (c *Clocks) Set(by time.Duration) error {
	return c.change(nil, clocks.Reading{Wall: by.Microseconds()})
}

// Rate has all clocks run too fast by so many parts in a million from now on; too slow by less than
// none.
func (c *Clocks) Rate(ppm int64) error { return c.change(&ppm, clocks.Reading{}) }

// Suspended says that the machine was suspended for so long: CLOCK_MONOTONIC stood still, the others
// went on. It is called while its processes are stopped, after they were for so long.
func (c *Clocks) Suspended(length time.Duration) error {
	return c.change(nil, clocks.Reading{Mono: -length.Microseconds()})
}

// ahead is how long before its moment a change is written down.
const ahead = 5 * time.Millisecond

// change changes the rate, unless that is nil, moves the clocks, and waits until it has come.
func (c *Clocks) change(ppm *int64, moved clocks.Reading) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ppm != nil {
		c.ppm = *ppm
	}
	moment, later := clocks.Machine(), ahead.Microseconds()
	moment.Mono, moment.Boot, moment.Wall = moment.Mono+later, moment.Boot+later, moment.Wall+later
	c.schedule = c.schedule.Then(moment, c.ppm, moved)
	if err := c.write(); err != nil {
		return err
	}
	for clocks.Machine().Mono < moment.Mono {
		time.Sleep(ahead / 5)
	}
	return nil
}

// write replaces the file, so that nobody reads half of it.
func (c *Clocks) write() error {
	text, err := c.schedule.Text()
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(c.path+".new", c.path)
}
