package resp

import "github.com/caucus-project/caucus"

// inline reads a command that a person typed: words on one line, as Redis splits them.
func (p *parser) inline(buf []byte) (Request, bool, *caucus.Error) {
	line := buf[p.at:]
	i := p.find(line, '\n')
	if i > MaxLine {
		return Request{}, false, protocolError("too big inline request")
	}
	if i == len(line) {
		p.seen = i
		return Request{}, false, nil
	}
	args, ok := splitWords(line[:i])
	if !ok {
		return Request{}, false, protocolError("unbalanced quotes in request")
	}
	p.at += i + 1
	p.seen = 0
	if err := p.check(args); err != nil {
		return Request{Err: err}, true, nil
	}
	return Request{Args: args}, true, nil
}

// check holds the words of a line against the settings. They were read already, a line being short.
func (p *parser) check(args caucus.Command) *caucus.Error {
	if len(args) > p.lim.Args {
		return tooManyArgs(len(args), p.lim.Args)
	}
	size := 0
	for _, arg := range args {
		if len(arg) > p.lim.Bulk {
			return tooLong(len(arg), p.lim.Bulk)
		}
		size += len(arg)
	}
	if size > p.lim.Total {
		return tooLarge(p.lim.Total)
	}
	return nil
}

// splitWords splits a line into words by the rules of redis-cli and redis.conf: "..." knows \n \r \t \b
// \a \xHH, and \ before any other byte stands for that byte; '...' knows \' only; a closing quote ends
// the word. It reports whether all quotes were closed properly.
func splitWords(line []byte) (caucus.Command, bool) {
	var words caucus.Command
	for {
		for len(line) > 0 && isSpace(line[0]) {
			line = line[1:]
		}
		if len(line) == 0 {
			return words, true
		}
		word, rest, ok := cutWord(line)
		if !ok {
			return nil, false
		}
		words = append(words, word)
		line = rest
	}
}

func cutWord(line []byte) (word string, rest []byte, ok bool) {
	for i, c := range line {
		switch c {
		case ' ', '\t', '\r', '\n':
			return string(line[:i]), line[i:], true
		case '"', '\'':
			quoted, rest, ok := cutQuoted(line[i+1:], c)
			return string(append(line[:i:i], quoted...)), rest, ok
		}
	}
	return string(line), nil, true
}

// cutQuoted reads up to the closing quote, which must stand at the end of its word.
func cutQuoted(line []byte, quote byte) (text, rest []byte, ok bool) {
	for len(line) > 0 {
		if line[0] == quote {
			rest = line[1:]
			return text, rest, len(rest) == 0 || isSpace(rest[0])
		}
		c, n := unescape(line, quote)
		text = append(text, c)
		line = line[n:]
	}
	return nil, nil, false
}

// unescape gives the byte at the beginning of line, and how many bytes were used to write it.
func unescape(line []byte, quote byte) (c byte, n int) {
	if line[0] != '\\' || len(line) < 2 {
		return line[0], 1
	}
	if quote == '\'' {
		if line[1] == '\'' {
			return '\'', 2
		}
		return '\\', 1
	}
	switch line[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'a':
		return '\a', 2
	case 'x':
		if len(line) >= 4 && isHex(line[2]) && isHex(line[3]) {
			return fromHex(line[2])<<4 | fromHex(line[3]), 4
		}
	}
	return line[1], 2
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
