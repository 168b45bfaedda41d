package examples

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

var (
	beginOrEnd = regexp.MustCompile(`(\w+) (begins|ends) (item-\d+)`)
	killed     = regexp.MustCompile(`^(\w+) is killed`)
)

// itemForEachSlot gives names that fall into as many slots.
func itemForEachSlot(slots int) (items []string) {
	taken := make([]bool, slots)
	for i := 0; len(items) < slots; i++ {
		item := fmt.Sprint("item-", i)
		if slot := caucus.SlotOf(item, slots); !taken[slot] {
			taken[slot], items = true, append(items, item)
		}
	}
	return items
}

// finished says who has finished which item.
func finished(lines []string) map[string]bool {
	done := map[string]bool{}
	for _, line := range lines {
		if m := beginOrEnd.FindStringSubmatch(line); m != nil && m[2] == "ends" {
			done[m[1]+" "+m[3]] = true
		}
	}
	return done
}

// oneAtATime checks that no item was begun while another had it in hand, and that who was not killed has
// ended what it began.
func oneAtATime(t *testing.T, lines []string) {
	t.Helper()
	hands := map[string]string{}
	for _, line := range lines {
		if m := killed.FindStringSubmatch(line); m != nil {
			for item, who := range hands {
				if who == m[1] {
					delete(hands, item)
				}
			}
		}
		m := beginOrEnd.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[2] == "begins" && hands[m[3]] != "":
			t.Errorf("%s had it in hand: %s", hands[m[3]], line)
		case m[2] == "begins":
			hands[m[3]] = m[1]
		case m[2] == "ends" && hands[m[3]] == m[1]:
			delete(hands, m[3])
		}
	}
	if len(hands) > 0 {
		t.Errorf("still in hand when all had ended: %v", hands)
	}
}

// haveAll says whether those named have finished all items between them, and each of them some.
func haveAll(items []string, names ...string) func(lines []string) bool {
	return func(lines []string) bool {
		done, by := finished(lines), map[string]bool{}
		for _, item := range items {
			some := false
			for _, name := range names {
				if done[name+" "+item] {
					some, by[name] = true, true
				}
			}
			if !some {
				return false
			}
		}
		return len(by) == len(names)
	}
}

// One worker has all items. Two more come, and what it gives them it has finished with. One is killed, one
// leaves: those that are left soon have all, and never are two at one item.
func TestWorkers(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	s := newStage(t, "workers")
	items := itemForEachSlot(12)
	hire := func(name string) *nodetest.Process {
		return s.start(append([]string{"-addr", strings.Join(c.Addrs(), ","), "-name", name}, items...)...)
	}
	anna := hire("anna")
	s.await("anna has all", 0, haveAll(items, "anna"))
	bert, cleo := hire("bert"), hire("cleo")
	s.await("all three work", len(s.said()), haveAll(items, "anna", "bert", "cleo"))

	s.note("bert is killed")
	s.kill(bert)
	s.await("anna and cleo have all", len(s.said()), haveAll(items, "anna", "cleo"))

	s.stop(cleo)
	s.await("anna has all again", len(s.said()), haveAll(items, "anna"))

	s.stop(anna)
	oneAtATime(t, s.said())
	begun, ended := map[string]int{}, map[string]int{}
	for _, line := range s.said() {
		if m := beginOrEnd.FindStringSubmatch(line); m != nil && m[2] == "ends" {
			ended[m[3]]++
		} else if m != nil {
			begun[m[3]]++
		}
	}
	for _, item := range items {
		r, err := nodetest.Ask(c.Addr(0), "GET", "done:"+item)
		if n, wrong := strconv.Atoi(r.Text()); err != nil || wrong != nil || n < ended[item] || n > begun[item] {
			t.Errorf("%s was begun %d times and ended %d times; the store says %d, %v, %v", item, begun[item],
				ended[item], n, err, wrong)
		}
	}
}
