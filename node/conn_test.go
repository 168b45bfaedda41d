package node

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// When the replies to a pipeline are too much to be held, the rest of it is not carried out, and what is
// short is answered all the same.
func TestRepliesToAPipelineAreBounded(t *testing.T) {
	c := bareNode(Config{}).converse(waist.ConnInfo{})
	c.most = 4 << 20
	var cmds []caucus.Command
	for range 200 {
		cmds = append(cmds, caucus.Command{"COMMAND"}, caucus.Command{"PING"})
	}
	replies := c.DoAll(t.Context(), cmds)
	var weight int64
	for i := range replies {
		weight += waist.Weight(&replies[i], 1<<40)
	}
	last := replies[398:]
	if len(replies) != 400 || len(replies[0].Items) < 100 || weight > 8<<20 ||
		!strings.HasPrefix(last[0].Str, "TRYAGAIN the replies to this pipeline") || last[1].Str != "PONG" {
		t.Errorf("%d replies of %d bytes, the last are %+v", len(replies), weight, last)
	}
}
