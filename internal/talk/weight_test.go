package talk_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/talk"
)

// What is answered without the state is made for each that asks, so a plan ends when that has become much.
func TestPlansWithLargeAnswersAreShort(t *testing.T) {
	for words, most := range map[string]int{"COMMAND": 20, "INFO": 20, "GETDUMP": 1, "PING": 4096} {
		cmds := make([]caucus.Command, 4096)
		for i := range cmds {
			cmds[i] = caucus.Command{words}
		}
		if _, used := newStage().Plan(cmds); used > most || used < most/20 {
			t.Errorf("of 4096 %s %d are planned at once", words, used)
		}
	}
}

// What is answered in a transaction without the state is bounded, and the rest of it is answered.
func TestLargeAnswersInATransactionAreBounded(t *testing.T) {
	large := caucus.Bulk(strings.Repeat("x", 64<<20))
	s := newStage(func(cfg *talk.Config) { cfg.Node = func(caucus.Command) caucus.Reply { return large } })
	cmds := []caucus.Command{{"MULTI"}}
	for range 20 {
		cmds = append(cmds, caucus.Command{"INFO"})
	}
	cmds = append(cmds, caucus.Command{"GET", "k"}, caucus.Command{"PING"}, caucus.Command{"EXEC"})
	replies := s.pipeline(cmds)
	r := replies[len(replies)-1].Items
	if len(r) != 22 || len(r[7].Str) != len(large.Str) ||
		!strings.HasPrefix(r[8].Str, "ERR the replies in this") || !r[20].IsNil() || r[21].Str != "PONG" {
		t.Errorf("%d items are answered", len(r))
	}
}
