package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// dumpPatience is how long a node may be silent while it is asked for a dump: a large one is sorted first.
const dumpPatience = 2 * time.Minute

// dumpSource is a connection on which a dump comes, line by line.
type dumpSource struct {
	addr    string
	conn    net.Conn
	release func() bool
	replies *resp.ReplyReader
	lines   int // that come
}

// ask asks one node after the other for a dump until one begins to give it. A read that only a majority can
// answer goes before, on the same connection: so the dump has all that was acknowledged when it was asked
// for.
func (c *backupCmd) ask(ctx context.Context) (*dumpSource, error) {
	password, err := readPassword(c.PasswordFile)
	if err != nil {
		return nil, err
	}
	var all error
	for _, addr := range c.Addr {
		s, err := c.askOne(ctx, addr, password)
		if err == nil {
			return s, nil
		}
		all = errors.Join(all, fmt.Errorf("%s: %w", addr, err))
	}
	if errors.Is(all, caucus.ErrTryAgain) && !c.Local {
		return nil, fmt.Errorf("%w; --local takes what the node has", all)
	}
	return nil, c.unreached(all)
}

func (c *backupCmd) askOne(ctx context.Context, addr, password string) (_ *dumpSource, err error) {
	within, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := c.dialPlain(within, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &dumpSource{addr: addr, conn: conn, replies: resp.NewReplyReader(patient{conn}, resp.Limits{})}
	s.release = context.AfterFunc(ctx, func() { _ = conn.Close() }) // nobody waits any more
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if c.User != "" || password != "" {
		if err := s.do("AUTH", cmp.Or(c.User, "default"), password); err != nil {
			return nil, err
		}
	}
	if !c.Local {
		if err := s.do("DBSIZE"); err != nil {
			return nil, err
		}
	}
	return s, s.begin()
}

// do carries out one command.
func (s *dumpSource) do(words ...string) error {
	if _, err := s.conn.Write(resp.AppendCommand(nil, words)); err != nil {
		return err
	}
	reply, err := s.replies.Read()
	return cmp.Or(err, reply.Err())
}

// begin asks for the dump and reads how many lines will come.
func (s *dumpSource) begin() error {
	if _, err := s.conn.Write(resp.AppendCommand(nil, caucus.Command{"GETDUMP", "LINES"})); err != nil {
		return err
	}
	n, reply, err := s.replies.Begin()
	if err == nil {
		err = reply.Err()
	}
	if err == nil && n < 0 {
		err = errors.New("it does not answer GETDUMP LINES with an array")
	}
	s.lines = n
	return err
}

// copy writes the lines as they come, shows on a terminal how far it is, and gives how many bytes there were.
func (s *dumpSource) copy(to io.Writer, screen *screen) (size int64, err error) {
	defer screen.plain() // takes the last picture away
	var drawn time.Time
	for n := range s.lines {
		line, err := s.replies.Read()
		if err != nil {
			return size, fmt.Errorf("%s broke off after line %d of %d, take another: %w", s.addr, n, s.lines, err)
		}
		written, err := io.WriteString(to, line.Str+"\n")
		if size += int64(written); err != nil {
			return size, err
		}
		if screen.live && n%1000 == 0 && time.Since(drawn) > 100*time.Millisecond {
			drawn = time.Now()
			screen.progress("%s of %s lines, %s bytes", thousands(n), thousands(s.lines), thousands(int(size)))
		}
	}
	return size, nil
}

func (s *dumpSource) close() {
	s.release()
	_ = s.conn.Close() // all that is of use has come
}

// patient is a connection whose other end may be silent for only so long.
type patient struct{ net.Conn }

// Read implements io.Reader.
func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(dumpPatience)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}
