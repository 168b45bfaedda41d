// Command workers works on a list of items together with all other copies of itself, here or on other
// machines: each item is in the hands of one of them at a time, whoever comes, goes or dies.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// slots is how many shares the items are cut into, whoever works: more than there will be workers, so that
// each has about as many as the others.
const slots = 12

type worker struct {
	session *client.Session
	member  *client.Member
	hands   [slots]sync.RWMutex // each held while items of that slot are worked on
}

func main() {
	addrs := flag.String("addr", "127.0.0.1:5010", "client addresses of nodes, with commas between")
	name := flag.String("name", "", "of this worker; the ensemble gives one if need be")
	flag.Parse() // what is left are the items, the same for all copies
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := new(worker).run(ctx, strings.Split(*addrs, ","), *name, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

// run works until ctx ends, and then gives up all slots, so that others have them at once. An error says
// that this is a member no more: let whatever starts the program start it again.
func (w *worker) run(ctx context.Context, addrs []string, name string, items []string) error {
	c, err := client.Dial(ctx, client.Config{Addrs: addrs})
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.Session(ctx, client.SessionOptions{})
	if err != nil {
		return err
	}
	defer s.Close() // if the ensemble cannot be told, the session ends by itself a little later
	w.session = s
	w.member, err = s.Join(ctx, "workers", client.JoinOptions{
		Name:      name,
		Slots:     slots,
		Settle:    500 * time.Millisecond, // workers that are started together cause one division, not many
		OnRelease: w.release,
	})
	if err != nil {
		return err
	}
	var working sync.WaitGroup
	defer working.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for _, item := range items {
		working.Go(func() { w.attend(ctx, item) })
	}
	select {
	case <-w.member.Lost():
	case <-ctx.Done():
	}
	return w.member.Err()
}

// attend works on an item again and again, for as long as its slot is this worker's. It asks each time:
// that costs nothing, and a process that was stopped for a while must not go on unasked.
func (w *worker) attend(ctx context.Context, item string) {
	slot := caucus.SlotOf(item, slots)
	for ctx.Err() == nil {
		changed := w.member.Changed() // before it asks, so that no change is missed
		w.hands[slot].RLock()
		epoch, mine := w.member.OwnsSlot(slot)
		if mine {
			w.work(item, client.GuardSlot(w.member.Group(), slot, epoch))
		}
		w.hands[slot].RUnlock()
		if mine {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// work is where yours would be. The guard refuses what it writes if this process was stopped for so long
// meanwhile that others have the slot by now.
func (w *worker) work(item string, still client.Guard) {
	log.Printf("%s begins %s", w.member.Name(), item)
	time.Sleep(100 * time.Millisecond)
	count := []caucus.Command{{"INCR", "done:" + item}}
	if _, err := w.session.Transact(context.Background(), count, still); err != nil {
		log.Printf("%s could not write of %s: %v", w.member.Name(), item, err)
	}
	log.Printf("%s ends %s", w.member.Name(), item)
}

// release waits for what is in hand of slots that another worker is to get; OwnsSlot says no to them by
// now. The other gets them when this has returned and not before.
func (w *worker) release(_ context.Context, slots []int) {
	for _, slot := range slots {
		w.hands[slot].Lock()
		//lint:ignore SA2001 waiting is all
		w.hands[slot].Unlock()
	}
}
