package differential

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/tool"
)

// side is one of the two servers that are compared.
type side interface {
	// say gives the raw bytes of the replies to the commands, which are sent in one piece.
	say(cmds []caucus.Command) ([]string, error)
}

// server is a side behind a connection.
type server struct {
	conn    net.Conn
	replies *bufio.Reader
}

func dial(t *testing.T, network, address string) *server {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &server{conn: conn, replies: bufio.NewReader(conn)}
}

// theirs starts a Redis of the version that is followed.
func theirs(t *testing.T) *server {
	t.Helper()
	s := dial(t, "unix", tool.Redis(t))
	info, err := s.say([]caucus.Command{{"INFO", "server"}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(info[0], "redis_version:7.0.") {
		tool.Lack(t, "redis-server 7.0")
	}
	return s
}

// here starts a node.
func here(t *testing.T) *server {
	t.Helper()
	address, _, _ := nodetest.InProcess(t, 1, nil)[0].Addresses()
	return dial(t, "tcp", address)
}

func (s *server) say(cmds []caucus.Command) ([]string, error) {
	var b []byte
	for _, cmd := range cmds {
		b = resp.AppendCommand(b, cmd)
	}
	if err := s.conn.SetDeadline(time.Now().Add(nodetest.Patience)); err != nil {
		return nil, err
	}
	if _, err := s.conn.Write(b); err != nil {
		return nil, err
	}
	replies := make([]string, len(cmds))
	for i := range cmds {
		var err error
		if replies[i], err = rawReply(s.replies); err != nil {
			return nil, fmt.Errorf("the reply to %q: %w", cmds[i], err)
		}
	}
	return replies, nil
}

// rawReply takes the bytes of one reply.
func rawReply(r *bufio.Reader) (string, error) {
	var b strings.Builder
	err := takeReply(r, &b)
	return b.String(), err
}

func takeReply(r *bufio.Reader, b *strings.Builder) error {
	line, err := r.ReadString('\n')
	if b.WriteString(line); err != nil {
		return err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(line[1:]), 10, 64)
	switch line[0] {
	case '$', '=', '!':
		if err == nil && n >= 0 {
			_, err = io.CopyN(b, r, n+2)
		}
		return err
	case '%':
		n *= 2
	case '*', '~', '>':
	default:
		return nil
	}
	for ; err == nil && n > 0; n-- {
		err = takeReply(r, b)
	}
	return err
}

// TestARawReplyIsWhole cuts a stream of replies into its replies.
func TestARawReplyIsWhole(t *testing.T) {
	all := []string{"+OK\r\n", "-ERR no\r\n", ":-1\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "$0\r\n\r\n",
		"$5\r\na\r\nbc\r\n",
		"*0\r\n", "*2\r\n*1\r\n:1\r\n$1\r\na\r\n", "%1\r\n+a\r\n~1\r\n#t\r\n", ",1.5\r\n", "=5\r\ntxt:a\r\n"}
	r := bufio.NewReader(strings.NewReader(strings.Join(all, "")))
	for _, want := range all {
		if got, err := rawReply(r); got != want || err != nil {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	}
	if _, err := rawReply(bufio.NewReader(strings.NewReader("*2\r\n:1\r\n"))); err == nil {
		t.Error("half a reply is taken for one")
	}
}
