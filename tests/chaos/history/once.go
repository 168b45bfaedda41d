package history

import (
	"fmt"
	"slices"
)

// Entry is something that was to be written down in a list, once, under a word of its own.
type Entry struct {
	Call
	Word string
}

// Once says whether a list holds every entry that was done exactly once, every uncertain one at most once, no
// refused one, nothing else, and all of them in an order that fits when they were made.
func Once(entries []Entry, list []string) Verdict {
	v, _ := once(entries, list, func(e Entry) Entry { return e })
	return v
}

// once is Once of whatever has an entry. It gives the list as the records that it consists of.
func once[R any](records []R, list []string, entry func(R) Entry) (v Verdict, ordered []R) {
	v.Judged = len(records)
	known := make(map[string]R, len(records))
	for _, r := range records {
		known[entry(r).Word] = r
	}
	place := make(map[string]int, len(list))
	for i, word := range list {
		r, ok := known[word]
		if first, twice := place[word]; twice {
			v.wrong("%q is there twice, in places %d and %d of %d", word, first, i, len(list))
			continue
		}
		place[word] = i
		switch {
		case !ok:
			v.wrong("%q is there, which nobody wrote", word)
			continue
		case entry(r).Fate == Refused:
			v.wrong("%q is there, which was refused", word)
		}
		ordered = append(ordered, r)
	}
	for _, r := range records {
		e := entry(r)
		if _, there := place[e.Word]; !there && e.Fate == Done {
			v.wrong("%q was acknowledged, and is not there", e.Word)
		}
	}
	v.inTime(len(ordered), func(i int) (string, Span) {
		e := entry(ordered[i])
		return e.Word, e.happened()
	})
	return v, ordered
}

// inTime sees that things which happened one after the other could have happened in that order: none was over
// before one that stands in front of it began.
func (v *Verdict) inTime(n int, thing func(int) (string, Span)) {
	soonest, over := "", Span{To: forever}
	for i := n - 1; i >= 0; i-- {
		word, span := thing(i)
		if over.Before(span) {
			v.wrong("%s stands before %s, but began at %d, when that was over since %d", word, soonest, span.From,
				over.To)
		}
		if span.To < over.To {
			soonest, over = word, span
		}
	}
}

// Addition is an addition of one to a counter that began with nothing, and what the counter held then, if it
// was done.
type Addition struct {
	Call
	Sum int64
}

// Reading is what a counter held at some moment of a span.
type Reading struct {
	Span
	Sum int64
}

// Counter says whether each addition was counted once if it was acknowledged, at most once if it is
// uncertain, and never if it was refused; whether no two have the same sum; and whether sums and readings
// rise with time.
func Counter(additions []Addition, readings []Reading) (v Verdict) {
	v.Judged = len(additions) + len(readings)
	bySum := map[int64]Addition{}
	var done []Reading
	for _, a := range additions {
		if a.Fate != Done {
			continue
		}
		if other, twice := bySum[a.Sum]; twice {
			v.wrong("%d was the sum of an addition at %v and of one at %v", a.Sum, other.Span, a.Span)
		}
		bySum[a.Sum] = a
		done = append(done, Reading{a.Span, a.Sum})
	}
	all := append(done, readings...)
	v.counted(additions, all)
	v.rise("the sum", all)
	return v
}

// counted sees that each sum is of all additions that were over and of none that had not begun.
func (v *Verdict) counted(additions []Addition, sums []Reading) {
	var begun, over []int64
	for _, a := range additions {
		if a.Fate == Done {
			over = append(over, a.To)
		}
		if a.Fate != Refused {
			begun = append(begun, a.From)
		}
	}
	slices.Sort(begun)
	slices.Sort(over)
	for _, r := range sums {
		least, _ := slices.BinarySearch(over, r.From)
		most, _ := slices.BinarySearch(begun, r.To+1)
		if r.Sum < int64(least) || r.Sum > int64(most) {
			v.wrong("the sum at %v was %d; of the additions %d were over, and %d had begun", r.Span, r.Sum, least,
				most)
		}
	}
}

// rise sees that nothing is less than it was known to be when it was asked for.
func (v *Verdict) rise(what string, sums []Reading) {
	ended := byBeginning(sums, func(r Reading) Span { return Span{From: r.To} })
	var highest Reading
	i := 0
	for _, r := range byBeginning(sums, func(r Reading) Span { return r.Span }) {
		for ; ended[i].To < r.From; i++ {
			if ended[i].Sum > highest.Sum {
				highest = ended[i]
			}
		}
		if r.Sum < highest.Sum {
			v.wrong("%s at %v was %d, and before, at %v, %d", what, r.Span, r.Sum, highest.Span, highest.Sum)
		}
	}
}

// String shows a span.
func (s Span) String() string { return fmt.Sprintf("%d..%d", s.From, s.To) }
