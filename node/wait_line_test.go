package node

import (
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
)

// asked waits for the next batch that is submitted, and gives what answers it.
func asked(t *testing.T, o *owner) (answer func(caucus.Reply)) {
	t.Helper()
	for {
		select {
		case <-o.wake:
		case <-time.After(20 * time.Second):
			t.Fatal("nothing is asked")
		}
		if in, _ := o.take(); len(in.batches) > 0 {
			req := in.batches[0].batch.Tag.(*request)
			return func(r caucus.Reply) {
				req.answer <- replica.Answer{Batch: &req.batch, Results: []entry.Result{{Reply: r}}}
			}
		}
	}
}

// One step may end the wait and then replace the state by a snapshot, which knows nothing of the wait any
// more. What was taken for the client is its answer all the same.
func TestB7_ASnapshotHidesNoEndOfAWait(t *testing.T) {
	n := bareNode(Config{})
	n.era.Store(newEra())
	n.owner = newOwner(n, nil)
	c := &conn{n: n, talk: talk.New(talk.Config{Conn: 1, Table: n.table}), answer: make(chan replica.Answer, 1)}
	plan, _ := c.talk.Plan([]caucus.Command{{"BLPOP", "k", "0"}})
	told := make(chan replica.Answer, 1)
	go func() { told <- c.waitInLine(t.Context(), plan) }()
	asked(t, n.owner)(caucus.Push(caucus.Int(0), caucus.Int(5)))
	n.era.Swap(newEra()).end()
	again := asked(t, n.owner)
	n.turns.tell([]machine.WaitEnd{{Conn: 1, Request: 1, Reply: caucus.Bulks("k", "v")}})
	again(caucus.Fail(caucus.ErrUncertain, "the wait has ended, and this node has missed how"))
	if a := <-told; a.Err != nil || len(a.Results) != 1 || len(a.Results[0].Reply.Items) != 2 {
		t.Errorf("the client is answered %+v, %v", a.Results, a.Err)
	}
}
