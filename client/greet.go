package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// greeting is what every connection begins with: RESP3, the password if there is one, and who we are.
func (c Config) greeting() []caucus.Command {
	hello := caucus.Command{"HELLO", "3"}
	if c.Password != "" || c.User != "" {
		hello = append(hello, "AUTH", cmp.Or(c.User, "default"), c.Password)
	}
	greeting := []caucus.Command{hello, {"CLIENT", "SETINFO", "LIB-NAME", "caucus-go"}}
	if c.Stale {
		greeting = append(greeting, caucus.Command{"READONLY"})
	}
	return greeting
}

// connect opens a connection and greets.
func (c Config) connect(ctx context.Context, addr string) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, c.DialTimeout)
	defer cancel()
	conn, err := c.DialContext(ctx, addr)
	if err != nil {
		return nil, &lostError{addr, false, err}
	}
	l := newLink(addr, conn)
	replies, err := l.do(ctx, c.greeting()...)
	if err == nil {
		err = greeted(replies)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// greeted looks at the answer to HELLO alone: a server that does not know SETINFO is as good.
func greeted(replies []caucus.Reply) error {
	if err := replies[0].Err(); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	return nil
}

// listen opens a connection for pushes and sends the commands, of which the last subscribes. Its reader is
// the caller's; ctx's end closes it, and so must the caller.
func (c Config) listen(ctx context.Context, addr string, cmds ...caucus.Command) (*ear, error) {
	within, cancel := context.WithTimeout(ctx, c.DialTimeout)
	defer cancel()
	conn, err := c.DialContext(within, addr)
	if err != nil {
		return nil, &lostError{addr, false, err}
	}
	e := &ear{addr: addr, conn: conn, replies: resp.NewReplyReader(conn, resp.Limits{})}
	e.release = context.AfterFunc(ctx, e.shut)
	stop := context.AfterFunc(within, e.shut)
	err = e.subscribe(c.greeting(), cmds)
	if !stop() && err == nil {
		err = context.Cause(within)
	}
	if err != nil {
		e.close()
		return nil, &lostError{addr, false, err}
	}
	return e, nil
}

// ear is a connection on which nothing is asked any more and pushes come.
type ear struct {
	addr    string
	conn    net.Conn
	replies *resp.ReplyReader
	release func() bool
}

func (e *ear) shut() { _ = e.conn.Close() } // it is given up either way

func (e *ear) close() {
	e.release()
	e.shut()
}

func (e *ear) subscribe(greeting, cmds []caucus.Command) error {
	var bytes []byte
	for _, cmd := range slices.Concat(greeting, cmds) {
		bytes = resp.AppendCommand(bytes, cmd)
	}
	if _, err := e.conn.Write(bytes); err != nil {
		return err
	}
	channels := len(cmds[len(cmds)-1]) - 1 // each is confirmed
	answers := make([]caucus.Reply, 0, len(greeting)+len(cmds)-1+channels)
	for range cap(answers) {
		r, err := e.replies.Read()
		if err != nil {
			return err
		}
		answers = append(answers, r)
		if r.Kind == caucus.KindError && len(answers) > len(greeting) {
			return r.Err()
		}
	}
	return greeted(answers)
}

// errQuiet says that nothing began to come for as long as was waited.
var errQuiet = errors.New("nothing was heard")

// next waits for a message and gives its payload. After errQuiet, which comes when nothing has begun to
// come for that long (0: never), it may be called again.
func (e *ear) next(patience time.Duration) (string, error) {
	for {
		if err := e.wait(patience); err != nil {
			return "", err
		}
		r, err := e.replies.Read()
		if err != nil {
			return "", err
		}
		if len(r.Items) == 3 && r.Items[0].Str == "message" {
			return r.Items[2].Str, nil
		}
	}
}

// wait waits until something has begun to come. The rest of it may take as long again.
func (e *ear) wait(patience time.Duration) error {
	if patience == 0 {
		return nil
	}
	err := e.conn.SetReadDeadline(time.Now().Add(patience))
	if err == nil {
		err = e.replies.Wait()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errQuiet
	}
	if err == nil {
		err = e.conn.SetReadDeadline(time.Now().Add(patience))
	}
	return err
}
