package sim

import (
	"fmt"
	"strings"
)

// trace is a hash of all that happened, and the last of it in a readable form. Lines are made only when
// they are asked for.
type trace struct {
	hash   uint64
	events int
	ring   []line
	next   int
	brief  bool // daily business is left out of the lines
}

// line is one thing that happened.
type line struct {
	at   int64
	who  string
	what string
	nums [4]uint64
	n    int
}

// start makes room for so many lines.
func (t *trace) start(lines int) {
	t.hash = 14695981039346656037
	t.ring = make([]line, 0, max(1, lines))
}

// note adds something that happened.
func (w *World) note(who, what string, nums ...uint64) {
	t := &w.trace
	l := line{at: w.now, who: who, what: what, n: min(len(nums), 4)}
	copy(l.nums[:], nums)
	t.mix(uint64(l.at))
	t.text(who)
	t.text(what)
	for _, v := range nums {
		t.mix(v)
	}
	if t.brief && daily(what) {
		return
	}
	if len(t.ring) < cap(t.ring) {
		t.ring = append(t.ring, l)
	} else {
		t.ring[t.next%len(t.ring)] = l
	}
	t.next++
}

// daily says whether that happens all the time: what nodes send each other and store, and what members ask
// for again and again.
func daily(what string) bool {
	switch what {
	case "Batches", "Want", "Round", "Vitals", "Confirm", "stored", "event", "promise", "space", "frame lost",
		"wrote":
		return true
	}
	for _, start := range []string{"Msg", "SESSION KEEPALIVE", "GROUP INDEX", "GROUP LEADER", "GROUP SLOTS",
		"GROUP EVENTS", "answered"} {
		if strings.HasPrefix(what, start) {
			return true
		}
	}
	return false
}

// mix and text are FNV-1a.
func (t *trace) mix(v uint64) {
	for range 8 {
		t.hash = (t.hash ^ v&0xff) * 1099511628211
		v >>= 8
	}
}

func (t *trace) text(s string) {
	for i := range len(s) {
		t.hash = (t.hash ^ uint64(s[i])) * 1099511628211
	}
	t.hash = (t.hash ^ 0xff) * 1099511628211
}

// tail gives the last lines.
func (t *trace) tail() string {
	var b strings.Builder
	first := max(0, t.next-len(t.ring))
	for i := first; i < t.next; i++ {
		l := t.ring[i%len(t.ring)]
		fmt.Fprintf(&b, "%s %-4s %s", clockText(l.at), l.who, l.what)
		for _, v := range l.nums[:l.n] {
			fmt.Fprintf(&b, " %d", v)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// clockText prints a true time.
func clockText(t int64) string {
	return fmt.Sprintf("%d.%06d", t/second, t%second)
}
