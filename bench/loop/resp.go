package loop

import (
	"net"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// patience is how long an answer may take.
const patience = 20 * time.Second

// Line is a connection to a server that speaks RESP. It is used by one goroutine.
type Line struct {
	conn    net.Conn
	replies *resp.ReplyReader
	buf     []byte
}

// DialRESP opens a connection.
func DialRESP(addr string) (*Line, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return &Line{conn: conn, replies: resp.NewReplyReader(conn, resp.Limits{})}, nil
}

// Close closes the connection.
func (l *Line) Close() error { return l.conn.Close() }

// Add adds a command to the flight that Send sends.
func (l *Line) Add(cmd caucus.Command) { l.buf = resp.AppendCommand(l.buf, cmd) }

// Send sends what was added.
func (l *Line) Send() error {
	if err := l.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := l.conn.Write(l.buf)
	l.buf = l.buf[:0]
	return err
}

// Read reads a reply. One that is an error is an error.
func (l *Line) Read() (caucus.Reply, error) {
	reply, err := l.replies.Read()
	if err == nil {
		err = reply.Err()
	}
	return reply, err
}

// Do has one command carried out.
func (l *Line) Do(cmd caucus.Command) (caucus.Reply, error) {
	l.Add(cmd)
	if err := l.Send(); err != nil {
		return caucus.Reply{}, err
	}
	return l.Read()
}

// FillAtOnce is how many keys are written at a time where that is not what is measured.
const FillAtOnce = 100

// FillRESP writes all keys.
func FillRESP(addr string) error {
	line, err := DialRESP(addr)
	if err != nil {
		return err
	}
	defer line.Close()
	for from := 0; from < Keys; from += FillAtOnce {
		if _, err := line.Do(MSet(from)); err != nil {
			return err
		}
	}
	return nil
}

// MSet writes the FillAtOnce keys from a number on.
func MSet(from int) caucus.Command {
	cmd := caucus.Command{"MSET"}
	for n := from; n < from+FillAtOnce; n++ {
		cmd = append(cmd, Key(n), Value)
	}
	return cmd
}
