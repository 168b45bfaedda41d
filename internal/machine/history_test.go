package machine

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// kept gives all that a history keeps.
func (h *history) kept() []keyChange {
	all := []keyChange{}
	h.from(h.floor, func(c *keyChange) bool {
		all = append(all, *c)
		return true
	})
	return all
}

// held gives the bytes of all pieces.
func (h *history) held() int {
	held := cap(h.last.changes)
	for _, p := range h.full {
		held += cap(p.changes)
	}
	return held
}

// plainHistory is the same as plainly as it can be written.
type plainHistory struct {
	all   []keyChange
	floor uint64
}

func (p *plainHistory) note(c keyChange) {
	p.all = append(p.all, c)
	bytes := 0
	for _, c := range p.all {
		bytes += len(c.key)
	}
	for len(p.all) > changesKept || bytes > changeBytes && len(p.all) > 1 {
		bytes -= len(p.all[0].key)
		p.floor = p.all[0].revision + 1
		p.all = p.all[1:]
	}
}

func (p *plainHistory) check(t *rapid.T, h *history) {
	if !slices.Equal(h.kept(), p.all) || h.count != len(p.all) || h.floor != p.floor {
		t.Fatalf("%d changes from %d on, want %d from %d on", h.count, h.floor, len(p.all), p.floor)
	}
}

// Long keys make the history let go of its past by their bytes. Copies stay as they are, also when both go
// on (SAFETY B12).
func TestB12_HistoryIsThePlainOne(t *testing.T) {
	long := strings.Repeat("k", 3<<20)
	rapid.Check(t, func(t *rapid.T) {
		type pair struct {
			h history
			p plainHistory
		}
		all := []*pair{{}}
		revision := uint64(0)
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			one := rapid.SampledFrom(all).Draw(t, "which")
			if rapid.IntRange(0, 9).Draw(t, "copy") == 0 {
				all = append(all, &pair{one.h.copy(), plainHistory{slices.Clone(one.p.all), one.p.floor}})
			}
			size := rapid.SampledFrom([]int{0, 5, 300, 100 << 10, 300 << 10, 3 << 20}).Draw(t, "size")
			for range rapid.SampledFrom([]int{1, 1, 2, 600}).Draw(t, "times") {
				revision += rapid.Uint64Range(1, 3).Draw(t, "more")
				c := keyChange{revision: revision, key: long[:size], word: wordSet}
				one.h.note(c)
				one.p.note(c)
				if size > 300 {
					break
				}
			}
		}
		for _, one := range all {
			one.p.check(t, &one.h)
			from := rapid.Uint64Range(one.h.floor, revision+2).Draw(t, "from")
			n := 0
			one.h.from(from, func(c *keyChange) bool {
				n++
				return c.revision >= from || n < 0
			})
			older := func(c keyChange) bool { return c.revision < from }
			want := len(slices.DeleteFunc(slices.Clone(one.p.all), older))
			if n != want {
				t.Fatalf("from %d on %d changes are visited, want %d", from, n, want)
			}
		}
	})
}

func TestHistoryKeepsTheLastHundredThousand(t *testing.T) {
	var h history
	for i := range 3 * changesKept {
		h.note(keyChange{revision: uint64(2 * i), key: "k"})
		if h.count != min(i+1, changesKept) {
			t.Fatalf("%d changes are kept of %d", h.count, i+1)
		}
	}
	all := h.kept()
	if len(all) != changesKept || all[0].revision != 4*changesKept || h.floor != 4*changesKept-1 {
		t.Errorf("%d are kept, from %d on; the floor is %d", len(all), all[0].revision, h.floor)
	}
	const used = 6 * changesKept // a change of these takes six bytes at most
	if held := h.held(); held > used+2*pieceBytes {
		t.Errorf("the pieces hold %d bytes", held)
	}
}

// What is no longer kept takes no room, but for a piece.
func TestHistoryLetsGoOfLongKeys(t *testing.T) {
	var h history
	long := strings.Repeat("k", 1<<20)
	for i := range 500 {
		h.note(keyChange{revision: uint64(i + 1), key: long})
	}
	if held := h.held(); h.count != changeBytes>>20 || held > (h.count+1)*(len(long)+100) {
		t.Errorf("%d changes are kept, %d bytes held", h.count, held)
	}
	h.note(keyChange{revision: 501, key: strings.Repeat("k", changeBytes+1)})
	if all := h.kept(); len(all) != 1 || all[0].revision != 501 || h.floor != 501 {
		t.Errorf("of keys that are longer than the limit %d are kept, the floor is %d", len(all), h.floor)
	}
}

// Every word has a name of its own.
func TestWordsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for w := word(1); int(w) < len(words); w++ {
		if w.String() == "" || seen[w.String()] {
			t.Errorf("word %d is %q", w, w)
		}
		seen[w.String()] = true
	}
	if text := word(0).String() + word(len(words)).String() + word(255).String(); text != "" {
		t.Errorf("what is no word is %q", text)
	}
}

func BenchmarkHistory(b *testing.B) {
	var h history
	b.ReportAllocs()
	for i := uint64(1); b.Loop(); i++ {
		h.note(keyChange{revision: i, key: "a key of some length", word: wordSet})
	}
}
