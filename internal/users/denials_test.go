package users_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/users"
)

// What is alike and at most a minute apart is told as one, which is then the newest.
func TestDenialsAreGrouped(t *testing.T) {
	var d users.Denials
	at := time.Unix(1_700_000_000, 0)
	note := func(after time.Duration, object, about string) {
		at = at.Add(after)
		d.Note(users.Denial{Reason: "key", Context: "toplevel", Object: object, User: "ann", About: about, At: at})
	}
	note(0, "a", "first")
	note(time.Second, "b", "first")
	note(time.Minute-time.Second, "a", "second") // just in time
	note(time.Minute+1, "a", "third")
	d.Note(users.Denial{Reason: "key", Context: "multi", Object: "a", User: "ann", At: at})
	d.Note(users.Denial{Reason: "key", Context: "toplevel", Object: "a", User: "bob", At: at})
	var got []string
	for _, n := range d.Newest(99) {
		got = append(got, fmt.Sprint(n.User, " ", n.Context, " ", n.Object, " ", n.Count, " ", n.About))
	}
	want := "bob toplevel a 1 |ann multi a 1 |ann toplevel a 1 third|ann toplevel a 2 second|" +
		"ann toplevel b 1 first"
	if strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
	if n := d.Newest(1); len(n) != 1 || n[0].User != "bob" || !n[0].At.Equal(at) {
		t.Errorf("the newest is %+v", n)
	}
	d.Reset()
	if left := d.Newest(99); len(left) != 0 {
		t.Errorf("after a reset there is %v", left)
	}
}

// Whatever strangers try, so much is kept and no more.
func TestDenialsAreBounded(t *testing.T) {
	var d users.Denials
	long := strings.Repeat("x", 1<<20)
	for i := range 3 * users.MostDenials {
		name := fmt.Sprint(i, long)
		d.Note(users.Denial{Reason: "auth", Object: name, User: name, About: name, At: time.Unix(int64(i), 0)})
	}
	all := d.Newest(1 << 20)
	if len(all) != users.MostDenials {
		t.Errorf("%d are kept", len(all))
	}
	first := fmt.Sprint(3*users.MostDenials - 1)
	if !strings.HasPrefix(all[0].User, first) || !strings.HasSuffix(all[0].User, " more bytes)") {
		t.Errorf("the newest is %.200s", all[0].User)
	}
	for _, n := range all {
		if len(n.Object)+len(n.User)+len(n.About) > 1500 {
			t.Fatalf("%d bytes are kept of one", len(n.Object)+len(n.User)+len(n.About))
		}
	}
}
