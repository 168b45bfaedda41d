package tests

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/caucus-project/caucus/internal/nodetest"
)

const (
	audience    = 100     // members
	mostSent    = 1 << 18 // messages in one run at most
	longestWait = int64(time.Minute / time.Microsecond)
)

// BenchmarkFanout takes how many messages to all its 100 members a group on three nodes carries, and how long
// each takes from the moment that it is sent until a member has it: each message and member counts. So many
// are under way at a time, sent and not yet had by all; the next is sent by whoever of three members, one on
// each node, comes first.
//
//	go test -run xxx -bench Fanout ./tests
func BenchmarkFanout(b *testing.B) {
	var table strings.Builder
	fmt.Fprintf(&table, "\n| to %d members | under way | messages per second, median (least to most of %d "+
		"runs) | half within | 99%% within |\n| --- | --- | --- | --- | --- |\n", audience, figureRuns)
	c := nodetest.Start(b, 3)
	f := &fanout{crowd: gather(b, c.Addrs(), "fanout", audience)}
	f.listen(f.hear)
	for _, row := range []struct {
		words []string
		under int
	}{{nil, 1}, {nil, 64}, {[]string{"ORDERED"}, 1}, {[]string{"ORDERED"}, 64}} {
		name := strings.Join(append([]string{"GROUP SEND"}, row.words...), " ")
		b.Run(fmt.Sprintf("%s/under-way=%d", strings.ReplaceAll(name, " ", "-"), row.under), func(b *testing.B) {
			f.measure(b, row.under, 300*time.Millisecond, row.words)
			var runs []fanoutRun
			for range figureRuns {
				runs = append(runs, f.measure(b, row.under, 2*time.Second, row.words))
			}
			m, least, most := spreadOf(runs, func(r fanoutRun) float64 { return r.perSecond })
			b.ReportMetric(m.perSecond, "messages/s")
			b.ReportMetric(0, "ns/op")
			fmt.Fprintf(&table, "| %s | %d | %s (%s to %s) | %s | %s |\n", name, row.under, thousands(m.perSecond),
				thousands(least.perSecond), thousands(most.perSecond), m.within(50), m.within(99))
		})
	}
	fmt.Println(table.String())
}

// fanout sends messages whose payload is their number, and takes note when members have them.
type fanout struct {
	*crowd
	run atomic.Pointer[flight]
}

// flight is the messages of one run.
type flight struct {
	begun  time.Time
	sent   [mostSent]atomic.Int64 // when, since begun, by number
	left   [mostSent]atomic.Int32 // members that do not have it yet
	next   atomic.Int32           // number
	tokens chan struct{}          // one for each message that may be sent
	delays [audience]*hdrhistogram.Histogram
}

type fanoutRun struct {
	perSecond float64
	delays    *hdrhistogram.Histogram
}

func (r fanoutRun) within(percent float64) string {
	return millis(time.Duration(r.delays.ValueAtQuantile(percent)) * time.Microsecond)
}

// newDelays keeps delays in microseconds, to a hundredth of their value.
func newDelays() *hdrhistogram.Histogram { return hdrhistogram.New(1, longestWait, 2) }

// measure sends for a while, and waits until all have everything.
func (f *fanout) measure(b *testing.B, under int, long time.Duration, words []string) fanoutRun {
	b.Helper()
	r := &flight{tokens: make(chan struct{}, under), begun: time.Now()}
	for i := range r.delays {
		r.delays[i] = newDelays()
	}
	f.run.Store(r)
	for range under {
		r.tokens <- struct{}{}
	}
	over := make(chan struct{})
	var senders sync.WaitGroup
	for i := range 3 {
		senders.Go(func() { f.send(i, r, over, words) })
	}
	all := make(chan struct{})
	go func() {
		senders.Wait()
		for range under {
			<-r.tokens
		}
		close(all)
	}()
	end := time.AfterFunc(long, func() { close(over) })
	defer end.Stop()
	f.await(b, "all members have every message", all)
	elapsed := time.Since(r.begun)
	sum := newDelays()
	for _, d := range r.delays {
		sum.Merge(d)
	}
	if lost := int64(r.next.Load())*audience - sum.TotalCount(); lost != 0 {
		b.Fatalf("%d messages were not had by somebody", lost)
	}
	return fanoutRun{float64(r.next.Load()) / elapsed.Seconds(), sum}
}

// send sends until the run is over.
func (f *fanout) send(i int, r *flight, over <-chan struct{}, words []string) {
	var buf []byte
	for {
		select {
		case <-over:
			return
		case <-r.tokens:
		}
		n := r.next.Add(1) - 1
		if n >= mostSent {
			f.fail(fmt.Errorf("more than %d messages in a run", mostSent))
			return
		}
		r.left[n].Store(audience)
		r.sent[n].Store(int64(time.Since(r.begun)))
		var err error
		cmd := append([]string{"GROUP", "SEND", f.group, fmt.Sprintf("%-64d", n)}, words...)
		if buf, err = f.says(i, buf, cmd...); err != nil {
			f.fail(err)
			return
		}
	}
}

// hear takes note that a member has a message.
func (f *fanout) hear(i int, event []byte) error {
	if !isEvent(event, "message") {
		return nil
	}
	n, err := numberIn(event, `"payload":"`)
	if err != nil {
		return err
	}
	r := f.run.Load()
	took := time.Since(r.begun) - time.Duration(r.sent[n].Load())
	if err := r.delays[i].RecordValue(max(1, took.Microseconds())); err != nil {
		return err
	}
	if r.left[n].Add(-1) == 0 {
		r.tokens <- struct{}{}
	}
	return nil
}
