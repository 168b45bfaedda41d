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
	p := New()
	got := heard(p, [2]uint64{1, 1}, [2]uint64{1, 1}, [2]uint64{1, 3}, [2]uint64{1, 2}, [2]uint64{2, 1},
		[2]uint64{1, 4}, [2]uint64{2, 2})
	if want := "[[1 1] [1 3] [2 1] [2 2]]"; got != want {
		t.Errorf("handed out %s, want %s", got, want)
	}
}

// However many senders were heard, what is remembered of them is bounded, and the last are not forgotten.
func TestA11_MemoryOfSendersIsBounded(t *testing.T) {
	p := New()
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

// Messages are numbered by connection, attachment and receivers, and forgotten with the connection.
func TestA11_NumbersBeginWithThePart(t *testing.T) {
	p := New()
	number := func(conn, part uint64, to string) uint64 {
		m := &machine.Message{Conn: conn, Part: part, Group: "g", To: to}
		p.Number(m)
		return m.N
	}
	got := fmt.Sprint(number(1, 7, ""), number(1, 7, ""), number(1, 7, "a"), number(2, 8, ""), number(1, 9, ""))
	if want := "1 2 1 1 1"; got != want {
		t.Errorf("numbers %s, want %s", got, want)
	}
	p.Forget(1)
	p.Forget(2)
	if len(p.sent) != 0 {
		t.Error("a closed connection is remembered")
	}
}
