package feed_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/waist"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func still() time.Time { return time.Unix(1, 0) }

// waiting gives what waits for s without waiting for more.
func waiting(t testing.TB, s waist.Subscription) []waist.Message {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	messages, err := s.Next(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return messages
}

func TestWhoListensHears(t *testing.T) {
	h := feed.New(feed.Limits{}, still)
	s, other := h.Watch(), h.Watch()
	defer s.Close()
	defer other.Close()
	s.Subscribe("a", "a", "b")
	s.PSubscribe("a*")
	other.Subscribe("c")
	if n := h.Publish("a", "1"); n != 2 {
		t.Errorf("a was heard %d times", n)
	}
	if n := h.Publish("b", "2") + h.Publish("x", "3"); n != 1 {
		t.Errorf("b and x were heard %d times", n)
	}
	want := []waist.Message{{Channel: "a", Payload: "1"}, {Channel: "a", Pattern: "a*", Payload: "1"},
		{Channel: "b", Payload: "2"}}
	if got := waiting(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("heard %v", got)
	}
	if got := waiting(t, other); len(got) != 0 {
		t.Errorf("the other heard %v", got)
	}
	s.Unsubscribe("a", "never")
	s.PUnsubscribe("a*")
	if n := h.Publish("a", "4"); n != 0 {
		t.Errorf("after leaving, a was heard %d times", n)
	}
}

// A member's own channel is for who names it: no pattern hears it, nor pays for it with its backlog, and it
// is not listed (WIRE "Events").
func TestPrivateChannels(t *testing.T) {
	h := feed.New(feed.Limits{Hard: 1000}, still)
	own, all := h.Watch(), h.Watch()
	defer own.Close()
	defer all.Close()
	const name = waist.PrivateChannels + "g:a" + waist.FeedMark + "x"
	own.Subscribe(name)
	all.PSubscribe("*", "caucus:m:*")
	for range 5 {
		if n := h.Publish(name, strings.Repeat("x", 100)); n != 1 {
			t.Fatalf("heard by %d", n)
		}
	}
	got := fmt.Sprint(h.Channels(""), h.Channels("*"), h.Heard(name), h.Heard("b"))
	if got != "[] [] true true" {
		t.Error(got)
	}
	own.Unsubscribe(name)
	if h.Heard(name) {
		t.Error("a pattern hears it")
	}
}

func TestQueries(t *testing.T) {
	h := feed.New(feed.Limits{}, still)
	s, u := h.Watch(), h.Watch()
	defer u.Close()
	s.Subscribe("b", "a")
	u.Subscribe("a", "xa")
	s.PSubscribe("p*", "q*")
	u.PSubscribe("p*")
	got := fmt.Sprint(h.Channels(""), h.Channels("?"), h.Subscribers("a"), h.Subscribers("z"), h.Patterns())
	if got != "[a b xa] [a b] 2 0 2" {
		t.Error(got)
	}
	s.Close()
	s.Close()
	s.Subscribe("late")
	if got := fmt.Sprint(h.Channels(""), h.Patterns()); got != "[a xa] 1" {
		t.Error(got)
	}
	if _, err := s.Next(context.Background()); !errors.Is(err, waist.ErrSlow) {
		t.Errorf("a closed subscription gives %v", err)
	}
}

func TestNextWaits(t *testing.T) {
	h := feed.New(feed.Limits{}, still)
	s := h.Watch()
	defer s.Close()
	s.Subscribe("a")
	got := make(chan string)
	go func() {
		messages, err := s.Next(context.Background())
		got <- fmt.Sprint(messages, err)
	}()
	h.Publish("a", "1")
	if g := <-got; g != "[{a  1}] <nil>" {
		t.Error(g)
	}
}

func TestCloseWakesWhoWaits(t *testing.T) {
	h := feed.New(feed.Limits{}, still)
	s := h.Watch()
	ended := make(chan error)
	for range 3 {
		go func() {
			_, err := s.Next(context.Background())
			ended <- err
		}()
	}
	s.Close()
	for range 3 {
		if err := <-ended; !errors.Is(err, waist.ErrSlow) {
			t.Error(err)
		}
	}
}

func TestTheSlowAreCut(t *testing.T) {
	now := time.Unix(1, 0)
	h := feed.New(feed.Limits{Soft: 1000, Patience: time.Minute, Hard: 4000}, func() time.Time { return now })
	slow, quick := h.Watch(), h.Watch()
	defer slow.Close()
	defer quick.Close()
	slow.Subscribe("a")
	quick.Subscribe("a")
	payload := strings.Repeat("x", 935) // 1000 with its channel and its overhead
	cut := func() bool {
		n := h.Publish("a", payload)
		waiting(t, quick)
		return n == 1
	}
	//lint:ignore SA4000 it publishes anew each time
	if cut() || cut() {
		t.Fatal("cut within its patience")
	}
	now = now.Add(59 * time.Second)
	if cut() {
		t.Fatal("cut within its patience")
	}
	waiting(t, slow) // has caught up; the patience begins anew
	//lint:ignore SA4000 it publishes anew each time
	if cut() || cut() {
		t.Fatal("cut though it had caught up")
	}
	now = now.Add(time.Minute)
	if !cut() {
		t.Fatal("not cut after its patience")
	}
	if _, err := slow.Next(context.Background()); !errors.Is(err, waist.ErrSlow) {
		t.Fatalf("who was cut gets %v", err)
	}
	if !cut() {
		t.Fatal("who was cut hears again")
	}
}

// A quarter of what cuts a reader at once may wait for him for a minute, unless something else is stated.
func TestAQuarterMayWaitForAMinute(t *testing.T) {
	now := time.Unix(1, 0)
	h := feed.New(feed.Limits{Hard: 4000}, func() time.Time { return now })
	s := h.Watch()
	defer s.Close()
	s.Subscribe("a")
	payload := strings.Repeat("x", 435) // 500 with its channel and its overhead
	for i, want := range []int{1, 1, 1, 1, 0} {
		if i == 3 {
			now = now.Add(59 * time.Second)
		}
		if i == 4 {
			now = now.Add(time.Second)
		}
		if n := h.Publish("a", payload); n != want {
			t.Fatalf("message %d is heard by %d", i+1, n)
		}
	}
}

func TestTheHardLimitCutsAtOnce(t *testing.T) {
	for _, channel := range []string{"a", strings.Repeat("a", 1000)} {
		h := feed.New(feed.Limits{Soft: 1000, Patience: time.Minute, Hard: 4000}, still)
		s := h.Watch()
		s.PSubscribe("a*")
		n := 0
		for h.Publish(channel, "") == 1 {
			n++
		}
		if n != 4000/(64+len(channel)) {
			t.Errorf("cut after %d empty messages on a channel of %d bytes", n, len(channel))
		}
		s.Close()
	}
}

// Several publish, several come and go: each reader hears each publisher in its order.
func TestOrderPerPublisher(t *testing.T) {
	h := feed.New(feed.Limits{}, time.Now)
	const publishers, each, readers = 4, 500, 4
	var all, ready sync.WaitGroup
	ready.Add(readers)
	for range readers {
		all.Go(func() {
			s := h.Watch()
			defer s.Close()
			s.Subscribe("a")
			ready.Done()
			last, heard := map[byte]int{}, 0
			for heard < publishers*each {
				messages, err := s.Next(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				for _, m := range messages {
					var n int
					fmt.Sscanf(m.Payload[1:], "%d", &n)
					if n != last[m.Payload[0]]+1 {
						t.Errorf("%s after %d", m.Payload, last[m.Payload[0]])
					}
					last[m.Payload[0]] = n
					heard++
				}
			}
		})
	}
	ready.Wait()
	for p := range publishers {
		all.Go(func() {
			for n := range each {
				h.Publish("a", fmt.Sprintf("%c%d", 'A'+p, n+1))
			}
		})
	}
	for range 100 {
		s := h.Watch()
		s.Subscribe("a", "b")
		s.Close()
	}
	all.Wait()
}

// The hub against lists of names.
func TestHubIsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := feed.New(feed.Limits{}, still)
		subs := []waist.Subscription{h.Watch(), h.Watch(), h.Watch()}
		model := make([]map[string]bool, len(subs))
		for i := range model {
			model[i] = map[string]bool{}
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			i := rapid.IntRange(0, len(subs)-1).Draw(t, "who")
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				subs[i].Subscribe(name)
				model[i][name] = true
			case 1:
				subs[i].Unsubscribe(name)
				delete(model[i], name)
			case 2:
				want := 0
				for _, m := range model {
					if m[name] {
						want++
					}
				}
				if got := h.Publish(name, "x"); got != want || h.Subscribers(name) != want {
					t.Fatalf("%s: %d heard, want %d", name, got, want)
				}
			}
		}
	})
}

func BenchmarkPublish(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := feed.New(feed.Limits{}, time.Now)
			subs := make([]waist.Subscription, n)
			for i := range subs {
				subs[i] = h.Watch()
				subs[i].Subscribe("a")
				defer subs[i].Close()
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				h.Publish("a", "payload")
				if i%256 == 0 {
					for _, s := range subs {
						waiting(b, s)
					}
				}
			}
		})
	}
}

// Who does not wait is told once for all that comes until he has found nothing, and when he is cut off.
func TestTellAndTake(t *testing.T) {
	h := feed.New(feed.Limits{Soft: 1000, Hard: 1000}, still)
	s := h.Watch()
	defer s.Close()
	told := 0
	s.Tell(func() { told++ })
	s.Subscribe("a")
	room := make([]waist.Message, 0, 4)
	take := func(want string, times int) {
		t.Helper()
		messages, err := s.Take(room[:0])
		if got := fmt.Sprint(messages, err); got != want || told != times {
			t.Errorf("took %s, told %d times; want %s, %d", got, told, want, times)
		}
	}
	take("[] <nil>", 0)
	h.Publish("a", "1")
	h.Publish("a", "2")
	take("[{a  1} {a  2}] <nil>", 1)
	h.Publish("a", "3")
	take("[{a  3}] <nil>", 1)
	take("[] <nil>", 1)
	h.Publish("a", "4")
	take("[{a  4}] <nil>", 2)
	for h.Publish("a", "5") > 0 {
	}
	take("[] "+waist.ErrSlow.Error(), 3)
	s.Close()
	take("[] "+waist.ErrSlow.Error(), 3)
}
