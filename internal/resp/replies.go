package resp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// ErrMalformed is what a ReplyReader ends with when its server does not speak RESP, or sends more than
// the limits allow. Nothing that follows on that connection has a meaning.
var ErrMalformed = errors.New("malformed reply")

const (
	maxDepth    = 32       // of arrays within arrays
	maxElements = 16 << 20 // of one reply, those of inner arrays among them
	replyBuffer = 16 << 10
	firstItems  = 64       // room made for the items of an array before they came
	firstBytes  = 64 << 10 // room made for a string before it came
)

// ReplyReader reads what a server sends, in RESP2 or RESP3. It is used by one goroutine at a time.
type ReplyReader struct {
	src      *bufio.Reader
	lim      Limits
	elements int // that the reply being read may still have
	bytes    int // that its strings may still have
}

// NewReplyReader makes a reader of the replies that come from src. Of the limits Bulk is the bytes of
// one string, Args the elements of one reply, inner ones too, and Total the bytes of all its strings. A
// client takes what its server may send, so zero means much here: 512 MiB, 16,777,216, 1 GiB.
func NewReplyReader(src io.Reader, lim Limits) *ReplyReader {
	lim = Limits{
		Bulk:  setting(lim.Bulk, MaxBulk, MaxBulk),
		Args:  setting(lim.Args, maxElements, maxElements),
		Total: setting(lim.Total, MaxTotal, MaxTotal),
	}
	return &ReplyReader{src: bufio.NewReaderSize(src, replyBuffer), lim: lim}
}

// Wait waits until the next reply has begun to come. Its errors are those of Read, but after a time-out of
// the source the reader is as good as before.
func (r *ReplyReader) Wait() error {
	_, err := r.src.Peek(1)
	return err
}

// Read waits for the next reply and returns it; errors that the server answered are replies like others,
// and a push is one of KindPush. Attributes are skipped, a big number comes as KindBulk. The error is
// io.EOF when the server closed after a whole reply and io.ErrUnexpectedEOF within one, ErrMalformed as
// above, or the source's own. After an error within a reply the reader is of no use any more.
func (r *ReplyReader) Read() (caucus.Reply, error) {
	r.elements, r.bytes = r.lim.Args, r.lim.Total
	if err := r.Wait(); err != nil {
		return caucus.Reply{}, err
	}
	reply, err := r.read(0)
	if err == nil {
		return reply, nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return caucus.Reply{}, err
}

// Begin reads the next reply, but of an array only how many items it has; Read gives those one by one. So an
// array may have more items than memory holds. Of any other reply, which it gives, n is -1.
func (r *ReplyReader) Begin() (n int, reply caucus.Reply, err error) {
	if err := r.Wait(); err != nil {
		return 0, reply, err
	}
	if first, err := r.src.Peek(1); err != nil || first[0] != '*' {
		reply, err = r.Read()
		return -1, reply, err
	}
	r.bytes = r.lim.Total
	line, err := r.line()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, reply, err
	}
	if string(line) == "*-1" {
		return -1, caucus.NilArray(), nil
	}
	count, ok := parseInt(line[1:])
	if !ok || count < 0 || count > math.MaxInt {
		return 0, reply, malformed("%q elements", line[1:])
	}
	return int(count), reply, nil
}

// read reads one value, after the attributes that may precede it.
func (r *ReplyReader) read(depth int) (caucus.Reply, error) {
	if depth > maxDepth {
		return caucus.Reply{}, malformed("arrays are nested deeper than %d", maxDepth)
	}
	for {
		line, err := r.line()
		if err != nil {
			return caucus.Reply{}, err
		}
		letter, rest := line[0], line[1:]
		if letter != '|' {
			return r.value(letter, rest, depth)
		}
		if _, err := r.items(rest, 2, depth); err != nil {
			return caucus.Reply{}, err
		}
	}
}

// value reads the value whose first line is letter and rest.
func (r *ReplyReader) value(letter byte, rest []byte, depth int) (caucus.Reply, error) {
	switch letter {
	case '+':
		return caucus.Status(string(rest)), nil
	case '-':
		return caucus.Reply{Kind: caucus.KindError, Str: string(rest)}, nil
	case ':':
		n, err := strconv.ParseInt(string(rest), 10, 64)
		return caucus.Int(n), wrap("integer", err)
	case '(':
		return caucus.Bulk(string(rest)), nil
	case ',':
		return double(string(rest))
	case '#':
		return truth(string(rest))
	case '_':
		return caucus.Nil(), nil
	case '$', '!', '=':
		return r.text(letter, rest)
	case '*', '%', '~', '>':
		return r.collection(letter, rest, depth)
	case 'H':
		return caucus.Reply{}, malformed("it begins with 'H', as HTTP does; RESP is spoken at the client door")
	}
	return caucus.Reply{}, malformed("it begins with %q", letter)
}

func double(text string) (caucus.Reply, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && math.IsNaN(f) {
		f = math.NaN() // one form of it, whatever sign the server wrote
	}
	return caucus.Double(f), wrap("double", err)
}

func truth(text string) (caucus.Reply, error) {
	switch text {
	case "t":
		return caucus.Reply{Kind: caucus.KindBool, Int: 1}, nil
	case "f":
		return caucus.Reply{Kind: caucus.KindBool}, nil
	}
	return caucus.Reply{}, malformed("%q is no truth value", text)
}

// text reads a string whose length was announced.
func (r *ReplyReader) text(letter byte, length []byte) (caucus.Reply, error) {
	if letter == '$' && string(length) == "-1" {
		return caucus.Nil(), nil
	}
	n, ok := parseInt(length)
	if !ok || n < 0 || n > int64(r.lim.Bulk) {
		return caucus.Reply{}, malformed("a string of %q bytes", length)
	}
	if r.bytes -= int(n); r.bytes < 0 {
		return caucus.Reply{}, malformed("its strings have more than %d bytes", r.lim.Total)
	}
	s, err := r.take(int(n))
	if err != nil {
		return caucus.Reply{}, err
	}
	switch letter {
	case '!':
		return caucus.Reply{Kind: caucus.KindError, Str: s}, nil
	case '=':
		if len(s) < 4 || s[3] != ':' {
			return caucus.Reply{}, malformed("a verbatim string without a format")
		}
		return caucus.Reply{Kind: caucus.KindVerbatim, Str: s[4:]}, nil
	}
	return caucus.Bulk(s), nil
}

// take reads n bytes and the line's end after them. It makes room as they come.
func (r *ReplyReader) take(n int) (string, error) {
	var text strings.Builder
	text.Grow(min(n, firstBytes))
	for text.Len() < n {
		if _, err := r.src.Peek(1); err != nil {
			return "", err
		}
		part, err := r.src.Peek(min(n-text.Len(), r.src.Buffered()))
		if err != nil {
			return "", err
		}
		text.Write(part)
		if _, err := r.src.Discard(len(part)); err != nil {
			return "", err
		}
	}
	end, err := r.src.Peek(2)
	if err != nil {
		return "", err
	}
	if string(end) != "\r\n" {
		return "", malformed("a string is longer than its length")
	}
	_, err = r.src.Discard(2)
	return text.String(), err
}

func (r *ReplyReader) collection(letter byte, count []byte, depth int) (caucus.Reply, error) {
	if letter == '*' && string(count) == "-1" {
		return caucus.NilArray(), nil
	}
	kind, each := caucus.KindArray, int64(1)
	switch letter {
	case '%':
		kind, each = caucus.KindMap, 2
	case '~':
		kind = caucus.KindSet
	case '>':
		kind = caucus.KindPush
	}
	items, err := r.items(count, each, depth)
	return caucus.Reply{Kind: kind, Items: items}, err
}

// items reads count times each values.
func (r *ReplyReader) items(count []byte, each int64, depth int) ([]caucus.Reply, error) {
	n, ok := parseInt(count)
	if !ok || n < 0 || n > int64(r.elements)/each {
		return nil, malformed("%q elements", count)
	}
	n *= each
	r.elements -= int(n)
	if n == 0 {
		return nil, nil
	}
	items := make([]caucus.Reply, 0, min(n, firstItems))
	for range n {
		item, err := r.read(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// line reads a line, which has at least one byte, and returns it without its end. It is good until the
// next read.
func (r *ReplyReader) line() ([]byte, error) {
	line, err := r.src.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = r.longLine(bytes.Clone(line))
	}
	if err != nil {
		return nil, err
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || len(line) == 0 {
		return nil, malformed("a line without letter or end")
	}
	if r.bytes -= len(line); r.bytes < 0 {
		return nil, malformed("it has more than %d bytes", r.lim.Total)
	}
	return line, nil
}

// longLine goes on with a line that is longer than the buffer.
func (r *ReplyReader) longLine(line []byte) ([]byte, error) {
	for len(line) <= MaxLine {
		part, err := r.src.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
	return nil, malformed("a line of more than %d bytes", MaxLine)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrMalformed, what, err)
}
