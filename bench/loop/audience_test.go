package loop

import (
	"errors"
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAnAudienceHearsWholeMessages(t *testing.T) {
	const confirmed = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
	const head = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n"
	for name, c := range map[string]struct {
		text  string
		heard int
		err   error
	}{
		"one after the other": {confirmed + "|" + head + "$1\r\nx\r\n|" + head + "$0\r\n\r\n", 2, nil},
		"in pieces": {confirmed + "|" + head[:5] + "|" + head[5:] + "$1|0\r\n01234|56789\r|\n" + head +
			"$1\r\n\n\r\n", 2, nil},
		"of another channel": {confirmed + "|" + head + "$1\r\nx\r\n|*3\r\n$7\r\nmessage\r\n$1\r\nb\r\n", 1,
			errStrange},
		"without a length": {confirmed + "|" + head + "$x\r\n", 0, errStrange},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, func(n int, _ []string) string { return c.text })
			a, err := Subscribe([]string{addr}, 1, "a")
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			heard := 0
			err = a.Hear(func() {
				if heard++; heard == c.heard && c.err == nil {
					_ = unix.Shutdown(a.wires[0].fd, unix.SHUT_WR) // so that the server ends it
				}
			})
			want := c.err
			if want == nil {
				want = io.ErrUnexpectedEOF
			}
			if !errors.Is(err, want) || heard != c.heard {
				t.Errorf("heard %d, %v; want %d, %v", heard, err, c.heard, want)
			}
		})
	}
	addr := serve(t, func(int, []string) string { return "-ERR no\r\n" })
	if _, err := Subscribe([]string{addr}, 1, "a"); err == nil {
		t.Error("a refusal counts for a subscription")
	}
}
