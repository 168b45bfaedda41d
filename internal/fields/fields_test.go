package fields_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/fields"
)

// FuzzReader takes fields off any bytes, of the kinds that plan says, and proves: each is as it would be
// written, or there is an error and all that follows is zero; nothing is longer than the bytes; what was
// read and is written again is read as the same.
func FuzzReader(f *testing.F) {
	f.Add("suvbic", []byte("\x03abc\x05\x09\x01"+strings.Repeat("i", 16)+"\x02xy"))
	f.Add("cs", binary.AppendUvarint(nil, 1<<62))
	f.Add("s", binary.AppendUvarint(nil, 1<<63))
	f.Add("u", []byte(strings.Repeat("\xff", 11)))
	f.Add("8t", []byte("12345678abc"))
	f.Fuzz(func(t *testing.T, plan string, data []byte) {
		first := fields.NewReader(data)
		again := readPlan(t, &first, plan, len(data))
		if first.Err() != nil {
			if first.Len() != 0 || first.String() != "" || first.Uvarint() != 0 || first.End("it") == nil {
				t.Fatalf("after %v it goes on", first.Err())
			}
			return
		}
		second := fields.NewReader(again)
		third := readPlan(t, &second, plan, len(data))
		if second.End("it") != nil || string(third) != string(again) {
			t.Fatalf("%x was read, and as %x it is %x, %v", data, again, third, second.Err())
		}
	})
}

// readPlan reads a field for each letter of plan and gives them written again.
func readPlan(t *testing.T, r *fields.Reader, plan string, most int) (again []byte) {
	for _, kind := range plan {
		switch kind {
		case 's':
			s := r.String()
			again = fields.String(again, s)
		case 'u':
			again = fields.Uvarint(again, r.Uvarint())
		case 'v':
			again = fields.Varint(again, r.Varint())
		case 'b':
			again = fields.Bool(again, r.Bool())
		case '8':
			again = fields.Uint64(again, r.Uint64())
		case 'i':
			id := r.ID()
			again = append(again, id[:]...)
		case 't':
			again = append(again, r.Take(3)...)
		case 'c':
			n := r.Count(2)
			if 2*n > most {
				t.Fatalf("%d items of two bytes in %d bytes", n, most)
			}
			s := r.Take(2 * n)
			again = append(fields.Uvarint(again, uint64(n)), s...)
		}
	}
	return again
}

func TestErrorsSayWhat(t *testing.T) {
	for _, c := range []struct {
		data string
		want string
	}{
		{"\x05abc", "a thing cannot be read: the bytes end in the middle of a field"},
		{"\x01ab", "a thing cannot be read: 1 bytes too many"},
	} {
		r := fields.StringReader(c.data)
		_ = r.String()
		if err := r.End("a thing"); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v", c.data, err)
		}
	}
	r := fields.StringReader("x")
	own := errors.New("own")
	r.Fail(own)
	if r.Take(1) != "" || !errors.Is(r.End("it"), own) {
		t.Error("a failed reader goes on")
	}
}
