package node

import (
	"time"

	"github.com/caucus-project/caucus/internal/replica"
)

// How often the space on the disk is measured, and how long a write without room waits before it is
// tried again.
const (
	measureSpace = time.Second
	retrySpace   = 200 * time.Millisecond
)

// watchSpace tells the replica how much room the disk has (SAFETY B13). Where that cannot be measured
// the disk counts as roomy.
func (n *Node) watchSpace() {
	ticker := time.NewTicker(measureSpace)
	defer ticker.Stop()
	for said := false; ; {
		if err := n.measure(); err != nil && !said {
			said = true
			n.log.Warn("the space on the disk cannot be measured; it counts as enough", "error", err)
		}
		select {
		case <-ticker.C:
		case <-n.ctx.Done():
			return
		}
	}
}

func (n *Node) measure() error {
	free, err := n.cfg.free()
	if err != nil {
		return err
	}
	snapshot, err := n.store.SnapshotSize()
	if err != nil {
		return err
	}
	n.owner.call(func(now replica.Time) { n.owner.r.Space(now, free, uint64(snapshot)) })
	return nil
}
