package respd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// dump answers GETDUMP. The state may be larger than what is free in memory, so the answer is written as it
// is made, and made as fast as the client takes it: as one string, whose length a first pass has counted, or
// with LINES as an array.
func (c *client) dump(spec *command.Spec, cmd caucus.Command) {
	c.run()
	c.failed = false
	begun := c.s.cfg.Now()
	defer func() { c.s.tally.called(spec, c.s.cfg.Now().Sub(begun), c.failed) }()
	lines := len(cmd) > 1
	if lines && !strings.EqualFold(cmd[1], "LINES") {
		c.say(caucus.Fail(caucus.ErrBad, "syntax error: it is GETDUMP [LINES]"))
		return
	}
	select {
	case c.s.dumps <- struct{}{}:
		defer func() { <-c.s.dumps }()
	default:
		c.say(caucus.Fail(caucus.ErrTryAgain, "%d dumps are being read from this node already", maxDumps))
		return
	}
	d, no := c.s.cfg.Server.Dump()
	switch {
	case no != nil:
		c.say(caucus.ErrorReply(no))
	case lines:
		c.sayLines(d)
	default:
		c.sayText(d)
	}
}

// maxDumps is how many dumps a door writes at once: each keeps a state as it was for as long as its client
// reads.
const maxDumps = 4

// sayText writes a dump as one string.
func (c *client) sayText(d waist.Dump) {
	most := c.s.cfg.MostDump
	text := &counter{most: most}
	if err := d.Dump(text); err != nil {
		c.say(caucus.Fail(caucus.ErrBad, "the dump has more than the %d bytes that a string may have; caucus "+
			"backup FILE takes it all the same, as GETDUMP LINES does", most))
		return
	}
	c.stream(func(w *bufio.Writer) error {
		if _, err := w.Write(resp.AppendVerbatimHead(nil, c.proto, text.bytes)); err != nil {
			return err
		}
		if err := d.Dump(w); err != nil {
			return err
		}
		_, err := w.WriteString("\r\n")
		return err
	})
}

// sayLines writes a dump as an array of its lines.
func (c *client) sayLines(d waist.Dump) {
	c.stream(func(w *bufio.Writer) error {
		if _, err := w.Write(resp.AppendArrayHead(nil, d.Lines())); err != nil {
			return err
		}
		return d.Dump(&bulks{to: w})
	})
}

// stream writes one reply as it is made. A failure is met again when the pipeline is done.
func (c *client) stream(write func(*bufio.Writer) error) {
	err := c.out.stream(func(to io.Writer) error {
		w := bufio.NewWriterSize(to, chunk)
		return errors.Join(write(w), w.Flush())
	})
	c.failed = err != nil
}

// bulks makes a string of RESP of each line that is written, without the line's end.
type bulks struct {
	to   *bufio.Writer
	room []byte
}

// Write implements io.Writer.
func (b *bulks) Write(line []byte) (int, error) {
	b.room = resp.AppendBulk(b.room[:0], bytes.TrimSuffix(line, []byte("\n")))
	_, err := b.to.Write(b.room)
	return len(line), err
}

// counter counts what is written, until it is too much.
type counter struct{ bytes, most int }

var errTooMuch = errors.New("too much")

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	if c.bytes += len(p); c.bytes > c.most {
		return 0, errTooMuch
	}
	return len(p), nil
}
