package post

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// heard delivers messages of one sender as they come, each part and n, and gives those that were handed
// out.
func heard(p *Post, came ...[2]uint64) string {
	var out [][2]uint64
	for _, c := range came {
		m := &machine.Message{Session: entry.Session{1}, Group: "g", Life: 1, Part: c[0], N: c[1]}
		if p.Admit(m) {
			out = append(out, c)
		}
	}
	return fmt.Sprint(out)
}

// What comes again, or after something later, is dropped; what is missing is passed over (A11).
func TestA11_AtMostOnceAndInOrder(t *testing.T) {
	p := New(nil)
	got := heard(p, [2]uint64{1, 1}, [2]uint64{1, 1}, [2]uint64{1, 3}, [2]uint64{1, 2}, [2]uint64{2, 1},
		[2]uint64{1, 4}, [2]uint64{2, 2})
	if want := "[[1 1] [1 3] [2 1] [2 2]]"; got != want {
		t.Errorf("handed out %s, want %s", got, want)
	}
}

// However many senders were heard, what is remembered of them is bounded, and the last are not forgotten.
func TestA11_MemoryOfSendersIsBounded(t *testing.T) {
	p := New(nil)
	for i := range uint64(3 * generation) {
		p.Admit(&machine.Message{Session: entry.Session{byte(i), byte(i >> 8), byte(i >> 16)}, Part: 1, N: 1})
	}
	heard(p, [2]uint64{5, 5})
	if n := len(p.heard) + len(p.before); n > 2*generation {
		t.Errorf("%d are remembered", n)
	}
	if got := heard(p, [2]uint64{4, 9}); got != "[]" {
		t.Errorf("handed out %s", got)
	}
}

// Messages are numbered by attachment, receivers and the group's life, however they came to this node (A11).
func TestA11_NumbersBeginWithThePart(t *testing.T) {
	p := New(func(*machine.Message) bool { return true })
	number := func(part, life uint64, to string) uint64 {
		m := &machine.Message{Session: entry.Session{1}, Part: part, Life: life, Group: "g", To: to}
		p.Number(m)
		return m.N
	}
	got := fmt.Sprint(number(7, 1, ""), number(7, 1, ""), number(7, 1, "a"), number(7, 2, ""), number(9, 2, ""),
		number(7, 1, ""))
	if want := "1 2 1 1 1 3"; got != want {
		t.Errorf("numbers %s, want %s", got, want)
	}
}

// What was sent in a former life of the group does not come after what was sent in a later one (A11).
func TestA11_LivesAreInOrder(t *testing.T) {
	p, got := New(nil), ""
	for _, c := range []machine.Message{{Life: 1, N: 5}, {Life: 2, N: 1}, {Life: 1, N: 6}, {Life: 2, N: 2}} {
		c.Part = 3
		if p.Admit(&c) {
			got += fmt.Sprint(c.Life, ":", c.N, " ")
		}
	}
	if want := "1:5 2:1 2:2 "; got != want {
		t.Errorf("handed out %s, want %s", got, want)
	}
}

// Counts are kept while there may be more like what they count, and not much longer (A11).
func TestA11_CountsAreBounded(t *testing.T) {
	over := func(m *machine.Message) bool { return m.Part%1000 == 0 }
	p := New(over)
	numbers := map[uint64]uint64{}
	for i := range uint64(20_000) {
		for _, part := range []uint64{i, i / 1000 * 1000} {
			m := &machine.Message{Session: entry.Session{1}, Part: part, Group: "g"}
			p.Number(m)
			numbers[part] = m.N
		}
	}
	if len(p.sent) > 3*fewSeries || len(p.sent) < 20 {
		t.Errorf("%d series are counted", len(p.sent))
	}
	if numbers[5000] != 1001 {
		t.Errorf("1001 messages under 5000 were numbered up to %d", numbers[5000])
	}
}
