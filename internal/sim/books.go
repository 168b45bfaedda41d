package sim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// compareBooks sees that each task of a clerk that was answered was carried out once, and none twice (SAFETY
// A15), and that the count went up in an order that could be.
func (w *World) compareBooks() {
	times := w.words(theTally)
	least, most := 0, 0
	for _, t := range w.checks.tasks {
		if n := times[t.word]; t.word != "" && (n > 1 || n == 0 && t.end > 0) {
			w.fail("SAFETY A15: %s is %d times in the tally; it was sent %d times under number %d and answered %q",
				t.word, n, t.tries, t.number, t.reply)
		}
		if t.counts {
			most++
		}
		if t.count > 0 {
			least++
		}
	}
	if n, _ := strconv.Atoi(w.nodes[0].value(theCount)); n < least || n > most {
		w.fail("SAFETY A15: %d were counted, by %d additions that were answered and %d that were not", n, least,
			most-least)
	}
	w.compareCounts()
}

// compareCounts sees that no two additions made the same number, and none a lower one than another that was
// answered before it was sent.
func (w *World) compareCounts() {
	list := slices.SortedFunc(slices.Values(w.checks.tasks), func(a, b *task) int {
		return cmp.Compare(a.count, b.count)
	})
	last, newest := int64(0), int64(0)
	for _, t := range list {
		switch {
		case t.count == 0:
			continue
		case t.count == last:
			w.fail("SAFETY A15: two numbered additions made %d", t.count)
		case t.end < newest:
			w.fail("an addition made %d, and one that was sent after its answer made less", t.count)
		}
		last, newest = t.count, max(newest, t.sent)
	}
}

// words counts the words of a text in which each ends with a semicolon.
func (w *World) words(key string) map[string]int {
	times := map[string]int{}
	for word := range strings.SplitSeq(w.nodes[0].value(key), ";") {
		times[word]++
	}
	return times
}
