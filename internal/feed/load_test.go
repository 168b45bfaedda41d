package feed_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
	"pgregory.net/rapid"
)

// listeners subscribes so many to a channel of the hub, or each to his own where it has none.
func listeners(h *feed.Hub, many int, channel string) []waist.Subscription {
	all := make([]waist.Subscription, many)
	for i := range all {
		all[i] = h.Watch()
		if channel == "" {
			all[i].Subscribe(fmt.Sprint(i))
			continue
		}
		all[i].Subscribe(channel)
	}
	return all
}

func closeAll(all []waist.Subscription) {
	for _, s := range all {
		s.Close()
	}
}

// What waits for many is one text, and counts once; for each of them there is but a little more.
func TestManyReadersHoldATextOnce(t *testing.T) {
	budget := resp.NewBudget(2 << 20)
	h := feed.New(feed.Limits{Budget: budget}, still)
	all := listeners(h, 1000, "a")
	if n := h.Publish("a", strings.Repeat("x", 1<<20)); n != 1000 {
		t.Fatalf("heard by %d", n)
	}
	if held := budget.Held(); held < 1<<20 || held > 1<<20+1000*100 {
		t.Errorf("%d bytes are held", held)
	}
	for i, s := range all {
		if got := len(waiting(t, s)); got != 1 {
			t.Errorf("the reader %d hears %d messages", i, got)
		}
	}
	if held := budget.Held(); held < 1<<20 {
		t.Errorf("%d bytes are held while nobody has asked for more", held)
	}
	for _, s := range all {
		waiting(t, s)
	}
	if held := budget.Held(); held != 0 {
		t.Errorf("%d bytes are held when all have read", held)
	}
	closeAll(all)
}

// Those who do not read hold together what the budget has: beyond, those are cut who are furthest behind. Who
// reads is not, however long the messages are, nor who has little to read.
func TestTheDeafShareABudget(t *testing.T) {
	const size = 2 << 20
	budget := resp.NewBudget(size)
	h := feed.New(feed.Limits{Budget: budget}, still)
	deaf := listeners(h, 20, "")
	reads, little := h.Watch(), h.Watch()
	reads.Subscribe("reads")
	little.Subscribe("little")
	text := strings.Repeat("x", 16<<10)
	h.Publish("little", text)
	for range 20 {
		for i := range deaf {
			h.Publish(fmt.Sprint(i), text)
			if held := budget.Held(); held > size {
				t.Fatalf("%d bytes are held", held)
			}
		}
		if h.Publish("reads", text+text+text+text+text) != 1 || len(waiting(t, reads)) != 1 {
			t.Fatal("who reads is cut")
		}
	}
	if held := budget.Held(); held < size/2 {
		t.Errorf("%d bytes are held", held)
	}
	if got := len(waiting(t, little)); got != 1 {
		t.Errorf("who holds little hears %d messages", got)
	}
	slow := 0
	for _, s := range deaf {
		if _, err := s.Take(nil); errors.Is(err, waist.ErrSlow) {
			slow++
		}
	}
	if slow == 0 || slow == len(deaf) {
		t.Errorf("%d of %d are cut", slow, len(deaf))
	}
	closeAll(append(deaf, reads, little))
	if held := budget.Held(); held != 0 {
		t.Errorf("%d bytes are held when nobody listens", held)
	}
}

// Whoever needs more than all of them have is cut himself when nobody is further behind.
func TestTheFurthestBehindIsCut(t *testing.T) {
	h := feed.New(feed.Limits{Budget: resp.NewBudget(1 << 20)}, still)
	all := listeners(h, 2, "")
	defer closeAll(all)
	h.Publish("0", strings.Repeat("x", 900<<10))
	if n := h.Publish("1", strings.Repeat("x", 200<<10)); n != 1 {
		t.Error("who is less behind is cut")
	}
	if n := h.Publish("0", ""); n != 0 {
		t.Error("who is furthest behind is not cut")
	}
	if n := h.Publish("1", strings.Repeat("x", 1<<20)); n != 0 {
		t.Errorf("what no budget has room for is heard by %d", n)
	}
}

// Where others leave no room, those are not cut who hold nothing of it, and nobody is where that makes no
// room.
func TestNobodyIsCutInVain(t *testing.T) {
	budget := resp.NewBudget(1 << 20)
	others := 0
	budget.Resize(&others, 900<<10)
	h := feed.New(feed.Limits{Budget: budget}, still)
	all := listeners(h, 100, "")
	defer closeAll(all)
	for i := range all[:98] {
		h.Publish(fmt.Sprint(i), "x")
	}
	h.Publish("98", strings.Repeat("x", 100<<10))
	if n := h.Publish("99", strings.Repeat("x", 300<<10)); n != 0 {
		t.Errorf("heard by %d", n)
	}
	for i, s := range all[:99] {
		if got := len(waiting(t, s)); got != 1 {
			t.Errorf("the reader %d hears %d messages", i, got)
		}
	}
}

// What a reader has taken counts until he asks for more, also when he was cut meanwhile, and is not much.
func TestWhatIsTakenCounts(t *testing.T) {
	budget := resp.NewBudget(16 << 20)
	h := feed.New(feed.Limits{Budget: budget}, still)
	all := listeners(h, 2, "")
	for range 80 {
		h.Publish("0", strings.Repeat("x", 100<<10))
	}
	if got := len(waiting(t, all[0])); got != 3 {
		t.Errorf("takes %d messages at once", got)
	}
	for h.Publish("0", strings.Repeat("x", 100<<10)) > 0 {
		h.Publish("1", strings.Repeat("x", 90<<10))
	}
	closeAll(all[1:])
	if held := budget.Held(); held < 300<<10 || held > 320<<10 {
		t.Errorf("%d bytes are held", held)
	}
	if _, err := all[0].Next(t.Context()); !errors.Is(err, waist.ErrSlow) || budget.Held() != 0 {
		t.Errorf("%v, %d bytes are held", err, budget.Held())
	}
	closeAll(all)
}

// A long backlog comes in portions, in order, and all of it.
func TestPortions(t *testing.T) {
	budget := resp.NewBudget(1 << 30)
	h := feed.New(feed.Limits{Budget: budget}, still)
	s := listeners(h, 1, "")[0]
	defer s.Close()
	const many = 5000
	heard := 0
	for n := range many {
		h.Publish("0", fmt.Sprint(n, strings.Repeat("x", 1000)))
		if n%1000 == 0 {
			heard = inOrder(t, heard, waiting(t, s))
		}
	}
	for heard < many {
		heard = inOrder(t, heard, waiting(t, s))
	}
	if got := len(waiting(t, s)); got != 0 || budget.Held() != 0 {
		t.Errorf("%d more; %d bytes are held", got, budget.Held())
	}
}

func inOrder(t *testing.T, heard int, messages []waist.Message) int {
	t.Helper()
	if len(messages) == 0 {
		t.Fatalf("nothing comes after %d", heard)
	}
	for _, m := range messages {
		if !strings.HasPrefix(m.Payload, fmt.Sprint(heard, "x")) {
			t.Fatalf("%.10s comes at %d", m.Payload, heard)
		}
		heard++
	}
	return heard
}

// Whatever is published, taken and closed in whatever order: the budget is never exceeded, and nothing is
// held in the end.
func TestBudgetIsGivenBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		budget := resp.NewBudget(300 << 10)
		h := feed.New(feed.Limits{Soft: 200 << 10, Patience: time.Minute, Hard: 400 << 10, Budget: budget}, still)
		all := append(listeners(h, 3, "a"), listeners(h, 3, "")...)
		all[0].PSubscribe("*")
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			s := all[rapid.IntRange(0, len(all)-1).Draw(t, "who")]
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				_, _ = s.Take(nil)
			case 1:
				s.Close()
			default:
				channel := rapid.SampledFrom([]string{"a", "0", "1", "2"}).Draw(t, "channel")
				h.Publish(channel, strings.Repeat("x", rapid.IntRange(0, 100<<10).Draw(t, "bytes")))
			}
			if held := budget.Held(); held < 0 || held > 300<<10 {
				t.Fatalf("%d bytes are held", held)
			}
		}
		closeAll(all)
		if held := budget.Held(); held != 0 {
			t.Fatalf("%d bytes are held in the end", held)
		}
	})
}
