package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// history is a group's events as all nodes of an ensemble have them; a node answers from it and publishes.
type history struct {
	mu     sync.Mutex
	life   uint64
	seq    uint64
	oldest uint64
	cut    bool // no node is in touch with the others
	mute   bool // reads are not answered
}

func newHistory(life, seq, oldest uint64) *history {
	return &history{life: life, seq: seq, oldest: oldest}
}

func (h *history) json(seq uint64) string {
	return fmt.Sprintf(`{"event":"joined","group":"g","life":%d,"seq":%d,"time":1}`, h.life, seq)
}

func (h *history) answer(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cmd[0] != "GROUP" || h.mute {
		return nil
	}
	number := func(name string, n uint64) []caucus.Reply {
		return []caucus.Reply{caucus.Bulk(name), caucus.Int(int64(n))}
	}
	switch {
	case h.cut:
		return fail(caucus.ErrTryAgain, "no quorum")
	case cmd[2] != "g":
		return fail(caucus.ErrBad, "a group name is something else")
	case h.life == 0:
		return fail(caucus.ErrNoGroup, "no group 'g'")
	case cmd[1] == "INFO":
		return reply(caucus.Map(slices.Concat(number("life", h.life), number("seq", h.seq),
			number("oldest", h.oldest))...))
	}
	from, err := strconv.ParseUint(cmd[4], 10, 64)
	if err != nil || from < h.oldest {
		return fail(caucus.ErrGap, "too old")
	}
	var items []caucus.Reply
	for seq := from; seq <= h.seq; seq++ {
		items = append(items, caucus.Array(caucus.Int(int64(seq)), caucus.Bulk(h.json(seq))))
	}
	return reply(caucus.Array(items...))
}

// tell adds an event, published by the nodes that are given.
func (h *history) tell(nodes ...*fake) {
	h.mu.Lock()
	h.seq++
	payload := h.json(h.seq)
	h.mu.Unlock()
	for _, f := range nodes {
		f.publish("g", payload)
	}
}

func (h *history) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// ears is a loop over events, which a test reads one by one.
type ears struct {
	t      *testing.T
	events chan client.Event
	ended  chan error
}

func listen(t *testing.T, c *client.Client, from ...uint64) *ears {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	e := &ears{t, make(chan client.Event), make(chan error, 1)}
	loop := c.Events(ctx, "g")
	if len(from) > 0 {
		loop = c.EventsFrom(ctx, "g", from[0])
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event, err := range loop {
			if err != nil {
				e.ended <- err
				return
			}
			select {
			case e.events <- event:
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return e
}

func (e *ears) want(want ...string) {
	e.t.Helper()
	for _, w := range want {
		select {
		case got := <-e.events:
			text := fmt.Sprint(got.Kind, " ", got.Seq)
			if got.Kind == "gap" {
				text = fmt.Sprint("gap ", got.From, " ", got.Oldest)
			}
			if text != w {
				e.t.Fatalf("heard %q (%+v), want %q", text, got, w)
			}
		case err := <-e.ended:
			e.t.Fatalf("it ended before %q: %v", w, err)
		case <-time.After(20 * time.Second):
			e.t.Fatalf("nothing came, want %q", w)
		}
	}
}

func (e *ears) fails(with error) {
	e.t.Helper()
	select {
	case got := <-e.events:
		e.t.Fatalf("heard %+v, want %v", got, with)
	case err := <-e.ended:
		if !errors.Is(err, with) {
			e.t.Fatalf("it ended with %v, want %v", err, with)
		}
	case <-time.After(20 * time.Second):
		e.t.Fatalf("it goes on in spite of %v", with)
	}
}

func TestEventsAreParsedAndKeptWhole(t *testing.T) {
	f := startFake(t, newHistory(3, 6, 4).answer)
	e := listen(t, dial(t, client.Config{Addrs: []string{f.addr}}))
	f.awaitJudged("GROUP INFO g", 1)
	raw := `{"event":"joined","group":"g","life":3,"seq":7,"time":1,` +
		`"member":"m1","metadata_b64":"/w==","size":2}`
	f.publish("g", raw)
	got := <-e.events
	want := client.Event{Kind: "joined", Group: "g", Life: 3, Seq: 7, Time: 1,
		Member: "m1", Metadata: "\xff", Size: 2, Raw: raw}
	if got != want {
		t.Fatalf("got %+v", got)
	}
	f.publish("g", `{"event":"slots","group":"g","life":3,"seq":8,"time":1,"member":"m1","epoch":9,`+
		`"granted":"0-3","revoking":null,"released":"5"}`)
	if got := <-e.events; got.Granted != "0-3" || got.Revoking != "" || got.Released != "5" {
		t.Errorf("got %+v", got)
	}
}

// Events go on at another node when one is lost, and what happened meanwhile is read again.
func TestA11_EventsGoOnAtAnotherNode(t *testing.T) {
	h := newHistory(3, 6, 4)
	one, two := startFake(t, h.answer), startFake(t, h.answer)
	e := listen(t, dial(t, client.Config{Addrs: []string{one.addr, two.addr}}))
	one.awaitJudged("GROUP INFO g", 1)
	h.tell(one, two)
	e.want("joined 7")
	h.tell() // it dies before it can say so
	h.tell()
	one.stop()
	e.want("joined 8", "joined 9")
	h.tell(two)
	h.tell(two)
	e.want("joined 10", "joined 11")
	if two.count("SUBSCRIBE") != 1 || one.count("SUBSCRIBE") != 1 {
		t.Error("it listened more often than it had to")
	}
}

func TestEventsFromASeq(t *testing.T) {
	h := newHistory(3, 7, 5)
	f := startFake(t, h.answer)
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	listen(t, c, 6).want("joined 6", "joined 7")
	listen(t, c, 1).want("gap 1 5", "joined 5", "joined 6", "joined 7")
	h.change(func() { h.oldest = 4 })
	listen(t, c, 0).want("joined 4", "joined 5") // all of its life is kept
}

// What is no longer kept is said to be missing, with what it came to.
func TestEventsThatAreGoneAreSaidToBe(t *testing.T) {
	h := newHistory(3, 6, 4)
	f := startFake(t, h.answer)
	e := listen(t, dial(t, client.Config{Addrs: []string{f.addr}}))
	f.awaitJudged("GROUP INFO g", 1)
	h.tell(f)
	e.want("joined 7") // so it has had the answer
	h.change(func() { h.seq, h.oldest = 20, 19 })
	f.cut()
	e.want("gap 8 19", "joined 19", "joined 20")
	h.change(func() { h.life = 0 })
	f.cut()
	e.want("gap 21 0")
	f.awaitJudged("GROUP INFO g", 3)
	h.change(func() { h.life, h.seq, h.oldest = 30, 30, 31 })
	h.tell(f)
	e.want("joined 31")
}

// A node that has skipped something, since a snapshot replaced its state, is asked for it.
func TestEventsThatANodeSkippedAreRead(t *testing.T) {
	h := newHistory(3, 6, 4)
	f := startFake(t, h.answer)
	e := listen(t, dial(t, client.Config{Addrs: []string{f.addr}}))
	f.awaitJudged("GROUP INFO g", 1)
	h.tell()
	h.tell(f)
	h.tell(f)
	e.want("joined 7", "joined 8", "joined 9")
}

// A node that is cut off from the others, or stopped, breaks no connection; it is left all the same.
func TestAQuietNodeIsAskedAndLeft(t *testing.T) {
	for name, change := range map[string]func(h *history){
		"cut off": func(h *history) { h.cut = true }, "stopped": func(h *history) { h.mute = true }} {
		one, two := newHistory(3, 6, 4), newHistory(3, 6, 4)
		a, b := startFake(t, one.answer), startFake(t, two.answer)
		e := listen(t, dial(t, client.Config{Addrs: []string{a.addr, b.addr}, Timeout: 500 * time.Millisecond,
			DialTimeout: 10 * time.Second}))
		a.awaitJudged("GROUP INFO g", 1)
		one.tell(a)
		two.tell()
		e.want("joined 7") // so it has had the answer
		one.change(func() { change(one) })
		b.await("SUBSCRIBE", 1)
		two.tell(b)
		e.want("joined 8")
		t.Log(name)
	}
}

func TestEventsTryUntilTheContextEnds(t *testing.T) {
	h := newHistory(3, 6, 4)
	f := startFake(t, h.answer)
	c := dial(t, client.Config{Addrs: []string{f.addr}, Timeout: 20 * time.Millisecond})
	f.stop()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	time.AfterFunc(100*time.Millisecond, func() { cancel(why) })
	n := 0
	for _, err := range c.Events(ctx, "g") {
		if n++; !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d things came", n)
	}
}

func TestEventsEndWhenNoNodeWillDo(t *testing.T) {
	var locked atomic.Bool
	h := newHistory(3, 6, 4)
	f := startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		if locked.Load() && cmd[0] == "HELLO" {
			return fail(caucus.ErrWrongPass, "no")
		}
		return h.answer(l, cmd)
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	for _, err := range c.Events(within(t), "/") {
		if !errors.Is(err, caucus.ErrBad) {
			t.Errorf("a group without a name: %v", err)
		}
	}
	e := listen(t, c)
	f.awaitJudged("GROUP INFO g", 1)
	f.publish("g", "nonsense")
	select {
	case err := <-e.ended:
		t.Log(err)
	case <-time.After(20 * time.Second):
		t.Error("an event that is none was passed over")
	}
	locked.Store(true)
	listen(t, c).fails(caucus.ErrWrongPass)
}

func TestLoopsOverEventsCanBeLeftAndBegunAgain(t *testing.T) {
	h := newHistory(3, 6, 4)
	f := startFake(t, h.answer)
	ctx, cancel := context.WithCancel(within(t))
	loop := dial(t, client.Config{Addrs: []string{f.addr}}).EventsFrom(ctx, "g", 5)
	for round := range 2 {
		for e, err := range loop {
			if err != nil || e.Seq != 5 {
				t.Fatalf("%+v, %v", e, err)
			}
			if round == 1 {
				cancel() // as by the signal that has the loop left
			}
			break
		}
	}
	cancel()
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	e := listen(t, c)
	f.awaitJudged("GROUP INFO g", 3)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	f.cut()
	select {
	case err := <-e.ended:
		t.Log(err)
	case <-time.After(20 * time.Second):
		t.Error("a closed client goes on listening")
	}
}
