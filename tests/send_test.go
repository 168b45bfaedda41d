package tests

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// caucus send reaches members without becoming one, and says by its status what went wrong.
func TestSendFromTheShell(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	ear, err := nodetest.Dial(c.Addr(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ear.Close() })
	for _, line := range []string{"HELLO 3", "GROUP JOIN g AS a SETTLE 0 TTL 600000",
		"GROUP CREATE none NOLEADER", "SUBSCRIBE caucus:g:g caucus:m:g:a"} {
		if r, err := ear.Do(strings.Fields(line)...); err != nil || r.Err() != nil {
			t.Fatal(line, err, r.Err())
		}
	}
	for _, s := range []struct {
		args   string
		status int
		says   string
	}{
		{"send g first", 0, "sent to 1"}, {"send g second --leader", 0, "sent to 1"},
		{"send g third --to a", 0, "sent to 1"}, {"send g fourth --ordered", 0, "sent to 1"},
		{"send g x --to b", 1, "NOMEMBER"}, {"send nothing x", 1, "NOGROUP"},
		{"send none x --leader", 1, "noleader"},
		{"send g x --leader --ordered", 2, "--leader"}, {"send /g x", 2, "/g"}, {"send g", 2, "text"},
	} {
		args := strings.Fields(s.args)
		status, out, said := verb(t, append([]string{args[0], "--addr", c.Addr(0)}, args[1:]...)...)
		if status != s.status || !strings.Contains(out+said, s.says) {
			t.Errorf("%s: status %d, %q, %q; want %d and %q", s.args, status, out, said, s.status, s.says)
		}
	}
	for _, want := range []string{"first", "second", "third", "fourth"} {
		for text := ""; !strings.Contains(text, `"payload":"`+want+`"`); {
			push, err := ear.Read()
			if err != nil {
				t.Fatalf("waiting for %q: %v", want, err)
			}
			if len(push.Items) > 0 {
				text = push.Items[len(push.Items)-1].Str
			}
		}
	}
}
