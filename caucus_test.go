package caucus_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
)

func TestGroupNames(t *testing.T) {
	for name, want := range map[string]bool{
		"bloc": true, "type.instance": true, "lock/a_b-1": true, strings.Repeat("x", 255): true,
		"": false, "/a": false, "a/": false, "a//b": false, "./a": false, "a/..": false, ".": false,
		"a b": false, "a:b": false, "ü": false, strings.Repeat("x", 256): false,
	} {
		if got := caucus.ValidGroup(name); got != want {
			t.Errorf("ValidGroup(%q) = %v", name, got)
		}
	}
}

func TestMemberNames(t *testing.T) {
	for name, want := range map[string]bool{
		"m1": true, "host:5010": true, "a@b/c": true, "": false, "a b": false, "a\n": false,
		strings.Repeat("x", 256): false,
	} {
		if got := caucus.ValidMember(name); got != want {
			t.Errorf("ValidMember(%q) = %v", name, got)
		}
	}
}

// The hash is part of the contract: workers in other languages compute it for themselves. The check value of
// CRC-32 (IEEE) is that of "123456789": 0xCBF43926.
func TestTheHashIsCRC32(t *testing.T) {
	const check = 0xCBF43926
	for _, total := range []int{1, 2, 7, 1024} {
		if got, want := caucus.IndexOf("123456789", total), check%total+1; got != want {
			t.Errorf("IndexOf of %d: %d, want %d", total, got, want)
		}
		if got, want := caucus.SlotOf("123456789", total), check%total; got != want {
			t.Errorf("SlotOf of %d: %d, want %d", total, got, want)
		}
	}
}

func TestEveryKeyHasOneOwner(t *testing.T) {
	for i := range 1000 {
		owners := 0
		for index := 1; index <= 7; index++ {
			if (caucus.Assignment{Index: index, Total: 7}).Owns(fmt.Sprint("key ", i)) {
				owners++
			}
		}
		if owners != 1 {
			t.Fatalf("key %d has %d owners", i, owners)
		}
	}
	if (caucus.Assignment{}).Owns("key") {
		t.Error("who has no assignment owns something")
	}
}

// A field is found by its name, not by a value that reads like one; in RESP2 a map comes as an array.
func TestField(t *testing.T) {
	items := []caucus.Reply{caucus.Bulk("name"), caucus.Bulk("size"), caucus.Bulk("size"), caucus.Int(3),
		caucus.Bulk("leader"), caucus.Nil(), caucus.Bulk("cut off")}
	for _, m := range []caucus.Reply{caucus.Map(items...), caucus.Array(items...)} {
		if name, size := m.Field("name").Text(), m.Field("size").Int; name != "size" || size != 3 {
			t.Errorf("name %q, size %d", name, size)
		}
		if !m.Field("leader").IsNil() || !m.Field("none").IsNil() || !m.Field("cut off").IsNil() {
			t.Error("what is not there has a value")
		}
	}
	if !caucus.OK().Field("name").IsNil() {
		t.Error("what is no map has a field")
	}
}

// An error is the same error before and after it went over a wire.
func TestErrorsKeepTheirWord(t *testing.T) {
	sent := caucus.Fail(caucus.ErrTryAgain, "no leader is known\r\nat present")
	if strings.ContainsAny(sent.Str, "\r\n") {
		t.Errorf("an error line holds a line break: %q", sent.Str)
	}
	err := fmt.Errorf("asked twice: %w", sent.Err())
	if !errors.Is(err, caucus.ErrTryAgain) || errors.Is(err, caucus.ErrUncertain) {
		t.Errorf("%v is not what was sent", err)
	}
	if caucus.OK().Err() != nil {
		t.Error("OK is an error")
	}
	if got := caucus.ParseError("something odd").Word; got != "ERR" {
		t.Errorf("a line without a word has the word %q", got)
	}
}

func TestWhatIsSafeToRetry(t *testing.T) {
	for err, want := range map[error]bool{
		caucus.ErrTryAgain: true, caucus.Fail(caucus.ErrLoading, "wait").Err(): true,
		fmt.Errorf("asked: %w", caucus.ErrTryAgain): true, nil: false, errors.New("TRYAGAIN"): false,
		caucus.ErrUncertain: false, errors.Join(caucus.ErrTryAgain, caucus.ErrUncertain): false,
		caucus.ErrBad: false, caucus.ErrNoSession: false, caucus.ErrNoSpace: false,
	} {
		if caucus.SafeToRetry(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
}

// The statuses that WIRE gives each word, one of each kind.
func TestOutcomesOfWords(t *testing.T) {
	for _, c := range []struct {
		word       *caucus.Error
		http, exit int
	}{
		{caucus.ErrBad, 400, 1}, {caucus.ErrNoAuth, 401, 1}, {caucus.ErrDenied, 403, 1},
		{caucus.ErrNoSession, 404, 1}, {caucus.ErrConflict, 409, 1}, {caucus.ErrGap, 410, 1},
		{caucus.ErrTryAgain, 503, 1}, {caucus.ErrUncertain, 504, 3}, {caucus.ErrNoSpace, 507, 1},
		{&caucus.Error{Word: "ODD"}, 400, 1},
	} {
		if c.word.HTTPStatus() != c.http || c.word.ExitStatus() != c.exit {
			t.Errorf("%s: HTTP %d, exit %d", c.word.Word, c.word.HTTPStatus(), c.word.ExitStatus())
		}
	}
}

func TestSlotRangesAreWrittenShort(t *testing.T) {
	for want, slots := range map[string][]int{
		"": nil, "5": {5}, "0-1": {0, 1}, "0-127,300": append(span(0, 127), 300), "1,3,5-7": {1, 3, 5, 6, 7},
	} {
		if got := caucus.SlotRanges(slots); got != want {
			t.Errorf("%v is written %q, want %q", slots, got, want)
		}
	}
}

func span(first, last int) (list []int) {
	for n := first; n <= last; n++ {
		list = append(list, n)
	}
	return list
}
