package nodetest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// Line is one plain connection to one node, which no library moves elsewhere or tries twice.
type Line struct {
	net.Conn
	replies *resp.ReplyReader
}

// Dial connects to a RESP door.
func Dial(addr string) (*Line, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return Over(conn), nil
}

// DialTLS is Dial for a door that speaks TLS.
func DialTLS(addr string, rules *tls.Config) (*Line, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, rules)
	if err != nil {
		return nil, err
	}
	return Over(conn), nil
}

// Over speaks on a connection that was made in some other way. The line closes it.
func Over(conn net.Conn) *Line {
	return &Line{Conn: conn, replies: resp.NewReplyReader(bufio.NewReader(conn), resp.Limits{})}
}

// Send sends commands in one piece.
func (l *Line) Send(cmds ...caucus.Command) error {
	var b []byte
	for _, cmd := range cmds {
		b = resp.AppendCommand(b, cmd)
	}
	_, err := l.Write(b)
	return err
}

// Read reads the next reply or push.
func (l *Line) Read() (caucus.Reply, error) {
	if err := l.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		return caucus.Reply{}, err
	}
	return l.replies.Read()
}

// Do sends one command and reads its reply. A reply that is an error comes as reply.
func (l *Line) Do(words ...string) (caucus.Reply, error) {
	if err := l.Send(caucus.Command(words)); err != nil {
		return caucus.Reply{}, err
	}
	return l.Read()
}

// Ask carries out one command over a connection of its own. A reply that is an error comes as error.
func Ask(addr string, words ...string) (caucus.Reply, error) {
	line, err := Dial(addr)
	if err != nil {
		return caucus.Reply{}, err
	}
	reply, err := line.Do(words...)
	if err == nil {
		err = reply.Err()
	}
	if err != nil {
		err = fmt.Errorf("%v at %s: %w", words, addr, err)
	}
	return reply, errors.Join(err, line.Close())
}
