package resp

import (
	"bytes"
	"math"

	"github.com/caucus-project/caucus"
)

// Request is one command of a client: either its arguments or the reason why it was read away.
type Request struct {
	// Args is the command, with at least one argument, or nil when Err is set. It may be kept for ever.
	// Its strings share memory with each other, and its slice with the slices of the same batch, so
	// who keeps one argument for long clones it.
	Args caucus.Command
	// Err says that the command was larger than a setting. Nothing of it was kept; answer with it in its
	// place.
	Err *caucus.Error
}

// parser finds commands in a stream of bytes. It remembers where in an unfinished command it stopped, so
// that a command arriving in many pieces is scanned once. All positions count from the beginning of the
// buffer that parse is given.
type parser struct {
	lim      Limits
	stranger bool

	at    int           // everything before was scanned
	seen  int           // bytes after at that are known not to hold the end of the line
	left  int           // arguments of the unfinished command still to come; 0 between them
	bulk  int           // bytes of the next argument; noBulk before its length is known
	size  int           // bytes of the arguments so far
	spans []span        // where the arguments are that came so far
	over  *caucus.Error // why the unfinished command is read away; nil when it is kept

	slab []string // room for the arguments of this batch
}

type span struct{ from, to int }

const noBulk = -1

// slabSize is for how many arguments of a pipeline room is made at once.
const slabSize = 256

// keepSpans is how many spans are worth keeping for the next command.
const keepSpans = 1024

func newParser(lim Limits) parser {
	return parser{lim: lim.withDefaults(), bulk: noBulk}
}

// parse appends the commands that are complete in buf to reqs and says how many bytes it is done with.
// The next call must be given the same bytes without those, and whatever came after. Of a stranger it
// takes one command at a time, since that may be the one after which it is no stranger any more.
// An error is a protocol error: nothing that follows has a meaning.
func (p *parser) parse(buf []byte, reqs []Request) ([]Request, int, *caucus.Error) {
	done := 0
	for {
		req, complete, err := p.command(buf, len(reqs))
		if err != nil {
			return reqs, done, err
		}
		if !complete {
			break
		}
		done = p.at
		if req.Args == nil && req.Err == nil {
			continue
		}
		reqs = append(reqs, req)
		if p.stranger || len(reqs) == maxRequests {
			break
		}
	}
	if p.over != nil {
		done = p.at
	}
	p.rebase(done)
	p.slab = nil
	return reqs, done, nil
}

// rebase moves all positions to where they are once the first n bytes are gone.
func (p *parser) rebase(n int) {
	if n == 0 {
		return
	}
	p.at -= n
	for i := range p.spans {
		p.spans[i].from -= n
		p.spans[i].to -= n
	}
}

// command goes on with the unfinished command or begins the next one. A complete Request with neither
// arguments nor error is an empty line or array, which Redis ignores too. The batch holds nth
// commands already.
func (p *parser) command(buf []byte, nth int) (Request, bool, *caucus.Error) {
	if p.left == 0 {
		if p.at == len(buf) {
			return Request{}, false, nil
		}
		if buf[p.at] != '*' {
			return p.inline(buf)
		}
		n, ok, err := p.length(buf, longArray, badArray)
		if !ok || err != nil {
			return Request{}, false, err
		}
		if n <= 0 {
			return Request{}, true, nil
		}
		if err := p.open(n); err != nil {
			return Request{}, false, err
		}
	}
	for p.left > 0 {
		ok, err := p.argument(buf)
		if !ok || err != nil {
			return Request{}, false, err
		}
	}
	return p.finish(buf, nth), true, nil
}

// open begins a command of n arguments.
func (p *parser) open(n int64) *caucus.Error {
	if n > MaxArgs {
		return protocolError(badArray)
	}
	if p.stranger && n > strangerArgs {
		return protocolError(strangerArray)
	}
	p.left = int(n)
	if p.left > p.lim.Args {
		p.readAway(tooManyArgs(p.left, p.lim.Args))
	}
	return nil
}

// argument reads one argument, or as much of one that is read away as there is.
func (p *parser) argument(buf []byte) (bool, *caucus.Error) {
	if p.bulk == noBulk {
		if p.at == len(buf) {
			return false, nil
		}
		if buf[p.at] != '$' {
			return false, protocolError("expected '$', got '" + string(buf[p.at:p.at+1]) + "'")
		}
		n, ok, err := p.length(buf, longBulk, badBulk)
		if !ok || err != nil {
			return false, err
		}
		if err := p.announce(n); err != nil {
			return false, err
		}
	}
	if p.over != nil {
		gone := min(p.bulk, len(buf)-p.at)
		p.at += gone
		p.bulk -= gone
	}
	end := p.at + p.bulk
	if len(buf) < end+2 {
		return false, nil
	}
	// Redis takes any two bytes here. Ours must be the right ones: a client that counts wrongly should
	// hear of it before half of its value is carried out as a command.
	if buf[end] != '\r' || buf[end+1] != '\n' {
		return false, protocolError("expected CRLF after bulk")
	}
	if p.over == nil {
		p.spans = append(p.spans, span{p.at, end})
	}
	p.at = end + 2
	p.bulk = noBulk
	p.left--
	return true, nil
}

// announce takes note of the length of the next argument.
func (p *parser) announce(n int64) *caucus.Error {
	if n < 0 || n > MaxBulk {
		return protocolError(badBulk)
	}
	if p.stranger && n > strangerBulk {
		return protocolError(strangerValue)
	}
	p.bulk = int(n)
	if p.over != nil {
		return nil
	}
	p.size += p.bulk
	if p.bulk > p.lim.Bulk {
		p.readAway(tooLong(p.bulk, p.lim.Bulk))
	} else if p.size > p.lim.Total {
		p.readAway(tooLarge(p.lim.Total))
	}
	return nil
}

func (p *parser) readAway(why *caucus.Error) {
	p.over = why
	p.spans = p.spans[:0]
}

// finish makes the request of a command that is complete, with one string for all its arguments.
func (p *parser) finish(buf []byte, nth int) Request {
	spans, over := p.spans, p.over
	p.size, p.over = 0, nil
	p.spans = p.spans[:0]
	if cap(spans) > keepSpans {
		p.spans = nil
	}
	if over != nil {
		return Request{Err: over}
	}
	first := spans[0].from
	text := string(buf[first:spans[len(spans)-1].to])
	args := p.room(len(spans), nth)
	for i, s := range spans {
		args[i] = text[s.from-first : s.to-first]
	}
	return Request{Args: args}
}

// room gives place for n arguments. A lone command gets exactly its own; in a pipeline the places of
// ever more commands are made at once.
func (p *parser) room(n, nth int) caucus.Command {
	if n > len(p.slab) {
		p.slab = make([]string, max(n, min(n*min(nth+1, slabSize), slabSize)))
	}
	args := p.slab[:n:n]
	p.slab = p.slab[n:]
	return args
}

// What Redis says of lines that should announce a length.
const (
	badArray      = "invalid multibulk length"
	badBulk       = "invalid bulk length"
	longArray     = "too big mbulk count string"
	longBulk      = "too big bulk count string"
	strangerArray = "unauthenticated multibulk length"
	strangerValue = "unauthenticated bulk length"
)

// length reads the line at p.at, a letter and a number.
func (p *parser) length(buf []byte, long, bad string) (int64, bool, *caucus.Error) {
	line := buf[p.at:]
	i := p.find(line, '\r')
	if i > MaxLine {
		return 0, false, protocolError(long)
	}
	if i+1 >= len(line) {
		p.seen = i
		return 0, false, nil
	}
	n, ok := parseInt(line[1:i])
	if !ok || line[i+1] != '\n' {
		return 0, false, protocolError(bad)
	}
	p.at += i + 2
	p.seen = 0
	return n, true, nil
}

// find gives the place of c in line, or the line's length when it is not there (yet).
func (p *parser) find(line []byte, c byte) int {
	if i := bytes.IndexByte(line[p.seen:], c); i >= 0 {
		return p.seen + i
	}
	return len(line)
}

// parseInt reads a number as strictly as Redis does: no plus sign, no leading zero, no minus zero.
func parseInt(b []byte) (int64, bool) {
	digits := bytes.TrimPrefix(b, []byte{'-'})
	negative := len(digits) < len(b)
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var n uint64 // 19 digits cannot overflow it
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + uint64(d-'0')
	}
	if negative {
		return -int64(n), n <= -math.MinInt64
	}
	return int64(n), n <= math.MaxInt64
}

func protocolError(what string) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "Protocol error: %s", what)
}

func tooManyArgs(n, most int) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "too many arguments: %d, and at most %d are taken", n, most)
}

func tooLong(n, most int) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "argument too long: %d bytes, and at most %d are taken", n, most)
}

func tooLarge(most int) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "command too large: at most %d bytes of arguments are taken", most)
}
