package node

import (
	"context"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// refuses is a tracer that samples nothing.
type refuses struct{}

func (refuses) Sample(bool) bool { return false }
func (refuses) Span(Span)        {}

// A write that is not traced costs no memory, whether there is a tracer or not.
func TestAWriteThatIsNotTracedAllocatesNothing(t *testing.T) {
	for name, tracer := range map[string]Tracer{"no tracer": nil, "one that samples nothing": refuses{}} {
		n := bareNode(Config{Tracer: tracer})
		c := n.converse(waist.ConnInfo{})
		plan, _ := c.talk.Plan([]caucus.Command{{"SET", "k", "v"}})
		batch, ctx, begun := batchOf(plan), context.Background(), time.Now()
		allocs := testing.AllocsPerRun(100, func() {
			trail := n.follow(ctx, plan, &batch, begun)
			n.arrived(trail, nil)
			n.led(nil)
		})
		if allocs != 0 || batch.Track != nil {
			t.Errorf("%s: %v allocations, %+v", name, allocs, batch.Track)
		}
	}
}
