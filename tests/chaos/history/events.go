package history

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus/client"
)

// Streams are what subscribers of one group were told, each by a name of its own, in the order in which it
// was. What does not pass through the log, and so has no Seq, is passed over.
type Streams map[string][]client.Event

// Merge says whether all subscribers were told the same: each its part of one sequence without a gap, or with
// one of which it was told. It gives the sequence. A life of the group that ended before somebody listened
// need not be complete.
func Merge(streams Streams) (merged []client.Event, v Verdict) {
	known := map[[2]uint64]client.Event{}
	for _, name := range slices.Sorted(maps.Keys(streams)) {
		v.stream(name, streams[name], known)
	}
	merged = slices.SortedFunc(maps.Values(known), func(a, b client.Event) int {
		return cmp.Or(cmp.Compare(a.Life, b.Life), cmp.Compare(a.Seq, b.Seq))
	})
	return merged, v
}

// stream follows one subscriber.
func (v *Verdict) stream(name string, list []client.Event, known map[[2]uint64]client.Event) {
	var last client.Event
	gap := false // the next may be any later one
	for _, e := range list {
		if e.Kind == "gap" {
			gap = true
			continue
		}
		if e.Seq == 0 {
			continue
		}
		v.Judged++
		switch {
		case last.Seq == 0:
		case e.Life < last.Life || e.Life == last.Life && e.Seq <= last.Seq:
			v.wrong("%s: event %d of life %d follows %d of %d", name, e.Seq, e.Life, last.Seq, last.Life)
		case e.Life == last.Life && e.Seq != last.Seq+1 && !gap:
			v.wrong("%s: event %d follows %d, and no gap was told", name, e.Seq, last.Seq)
		}
		last, gap = e, false
		at := [2]uint64{e.Life, e.Seq}
		if other, ok := known[at]; ok && other.Raw != e.Raw {
			v.wrong("event %d of life %d was told in two ways: %s and, to %s, %s", e.Seq, e.Life, other.Raw, name,
				e.Raw)
		}
		known[at] = e
	}
}

// begins says that an event is the first of a life.
func begins(e client.Event) bool { return e.Seq == e.Life+1 }

// follows says that nothing happened between two events.
func follows(e, last client.Event) bool { return e.Life == last.Life && e.Seq == last.Seq+1 }

// whole says that nothing is missing of a sequence.
func whole(merged []client.Event) bool {
	for i, e := range merged {
		if !begins(e) && (i == 0 || !follows(e, merged[i-1])) {
			return false
		}
	}
	return true
}

// Ordered says whether every ordered message that was acknowledged is one event, every uncertain one at most
// one, no refused one any, and all stand in an order that fits when they were sent. A sequence of which
// something is missing, since nobody could read it any more, cannot tell.
func Ordered(merged []client.Event, sent []Entry) (v Verdict) {
	if !whole(merged) {
		v.unknown("not all events were read; whether every message is among them is unknown")
		return v
	}
	var told []string
	for _, e := range merged {
		if e.Kind == "message" {
			told = append(told, e.Payload)
		}
	}
	return Once(sent, told)
}

// Tokens says whether terms and epochs only rise in the order of events.
func Tokens(merged []client.Event) (v Verdict) {
	newest := map[string]uint64{}
	for _, e := range merged {
		token := uint64(0)
		switch e.Kind {
		case "leader":
			token = e.Term
		case "settled":
			token = e.Epoch
		default:
			continue
		}
		v.Judged++
		if token <= newest[e.Kind] {
			v.wrong("%s: the newest token was %d: %s", e.Kind, newest[e.Kind], e.Raw)
		}
		newest[e.Kind] = token
	}
	return v
}

// Slots says whether by the events of a group a slot was granted only when nobody held it: its holder had
// released it or was gone.
func Slots(merged []client.Event) (v Verdict) {
	holder, last := map[int]string{}, client.Event{}
	for _, e := range merged {
		if !follows(e, last) {
			clear(holder) // who holds what is not known, but what is told from here on is
		}
		last = e
		switch e.Kind {
		case "left":
			maps.DeleteFunc(holder, func(_ int, name string) bool { return name == e.Member })
		case "slots":
			v.Judged++
			v.slots(holder, e)
		}
	}
	return v
}

func (v *Verdict) slots(holder map[int]string, e client.Event) {
	for _, n := range ranges(e.Released) {
		if by, held := holder[n]; held && by != e.Member {
			v.wrong("slot %d was released by %s, and held by %s: %s", n, e.Member, by, e.Raw)
		}
		delete(holder, n)
	}
	for _, n := range ranges(e.Granted) {
		if by, held := holder[n]; held {
			v.wrong("slot %d was granted while %s held it: %s", n, by, e.Raw)
		}
		holder[n] = e.Member
	}
}

// ranges reads slots as events have them, such as "0-127,300".
func ranges(text string) (list []int) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, more := strings.Cut(part, "-")
		if !more {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err != nil || err2 != nil {
			continue
		}
		for n := from; n <= to; n++ {
			list = append(list, n)
		}
	}
	return list
}
