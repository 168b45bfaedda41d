package resp

import (
	"math"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// Append appends reply r as protocol proto writes it: 3 for RESP3, anything else for RESP2. A type that
// RESP2 lacks takes the form that Redis gives it there. Whatever r holds, what is appended is
// exactly one reply.
func Append(dst []byte, proto int, r caucus.Reply) []byte {
	resp3 := proto == 3
	switch r.Kind {
	case caucus.KindNil:
		return appendNil(dst, resp3, "$-1\r\n")
	case caucus.KindNilArray:
		return appendNil(dst, resp3, "*-1\r\n")
	case caucus.KindStatus:
		return appendLine(dst, '+', r.Str)
	case caucus.KindError:
		return appendLine(dst, '-', r.Str)
	case caucus.KindInt:
		return appendHead(dst, ':', r.Int)
	case caucus.KindBulk:
		return appendBulk(dst, r.Str)
	case caucus.KindArray, caucus.KindMap, caucus.KindSet, caucus.KindPush:
		return appendItems(dst, proto, r)
	case caucus.KindPairs:
		return appendPairs(dst, proto, r.Items)
	case caucus.KindDouble:
		return appendDouble(dst, resp3, r.Float)
	case caucus.KindBool:
		return appendBool(dst, resp3, r.Int != 0)
	case caucus.KindVerbatim:
		return append(append(AppendVerbatimHead(dst, proto, len(r.Str)), r.Str...), "\r\n"...)
	}
	return appendLine(dst, '-', "ERR reply of unknown kind "+strconv.Itoa(int(r.Kind)))
}

// AppendCommand appends a command as clients send it.
func AppendCommand(dst []byte, cmd caucus.Command) []byte {
	dst = appendHead(dst, '*', int64(len(cmd)))
	for _, arg := range cmd {
		dst = appendBulk(dst, arg)
	}
	return dst
}

// AppendArrayHead appends the beginning of an array of n replies, which follow.
func AppendArrayHead(dst []byte, n int) []byte { return appendHead(dst, '*', int64(n)) }

// AppendBulk appends bytes as a string, which needs no copy of them as a Reply would.
func AppendBulk(dst, text []byte) []byte {
	dst = appendHead(dst, '$', int64(len(text)))
	dst = append(dst, text...)
	return append(dst, "\r\n"...)
}

// AppendVerbatimHead appends the beginning of a text of n bytes, which follow, and then CR and LF.
func AppendVerbatimHead(dst []byte, proto, n int) []byte {
	if proto != 3 {
		return appendHead(dst, '$', int64(n))
	}
	return append(appendHead(dst, '=', int64(n+len(plainText))), plainText...)
}

func appendNil(dst []byte, resp3 bool, resp2 string) []byte {
	if resp3 {
		return append(dst, "_\r\n"...)
	}
	return append(dst, resp2...)
}

// appendItems appends what has items.
func appendItems(dst []byte, proto int, r caucus.Reply) []byte {
	dst, missing := appendItemsHead(dst, proto, r)
	for _, item := range r.Items {
		dst = Append(dst, proto, item)
	}
	if missing {
		dst = Append(dst, proto, caucus.Nil())
	}
	return dst
}

// appendItemsHead appends the beginning of what has items. A map that lacks its last value gets nil there, as
// missing says: a reply with an item too few would swallow the next one.
func appendItemsHead(dst []byte, proto int, r caucus.Reply) (head []byte, missing bool) {
	letter, count := byte('*'), len(r.Items)
	odd := r.Kind == caucus.KindMap && count%2 == 1
	if odd {
		count++
	}
	if proto == 3 {
		switch r.Kind {
		case caucus.KindMap:
			letter, count = '%', count/2
		case caucus.KindSet:
			letter = '~'
		case caucus.KindPush:
			letter = '>'
		}
	}
	return appendHead(dst, letter, int64(count)), odd
}

// appendPairs appends items two and two. One that is missing at the end is nil, in either protocol.
func appendPairs(dst []byte, proto int, items []caucus.Reply) []byte {
	dst = appendPairsHead(dst, proto, len(items))
	for i, item := range items {
		if proto == 3 && i%2 == 0 {
			dst = appendHead(dst, '*', 2)
		}
		dst = Append(dst, proto, item)
	}
	if len(items)%2 == 1 {
		dst = Append(dst, proto, caucus.Nil())
	}
	return dst
}

// appendPairsHead appends the beginning of so many items, two and two.
func appendPairsHead(dst []byte, proto, items int) []byte {
	count := (items + 1) / 2
	if proto != 3 {
		count *= 2
	}
	return appendHead(dst, '*', int64(count))
}

// appendDouble writes a number as Redis 7.0 does, with 17 digits at most.
func appendDouble(dst []byte, resp3 bool, f float64) []byte {
	var room [32]byte
	text := room[:0]
	switch {
	case math.IsNaN(f):
		text = append(text, "nan"...)
	case math.IsInf(f, 1):
		text = append(text, "inf"...)
	case math.IsInf(f, -1):
		text = append(text, "-inf"...)
	default:
		text = strconv.AppendFloat(text, f, 'g', 17, 64)
	}
	if resp3 {
		dst = append(dst, ',')
	} else {
		dst = appendHead(dst, '$', int64(len(text)))
	}
	return append(append(dst, text...), "\r\n"...)
}

func appendBool(dst []byte, resp3, yes bool) []byte {
	switch {
	case resp3 && yes:
		return append(dst, "#t\r\n"...)
	case resp3:
		return append(dst, "#f\r\n"...)
	case yes:
		return append(dst, ":1\r\n"...)
	}
	return append(dst, ":0\r\n"...)
}

// plainText is the format that goes before a verbatim string.
const plainText = "txt:"

func appendBulk(dst []byte, s string) []byte {
	dst = appendHead(dst, '$', int64(len(s)))
	dst = append(dst, s...)
	return append(dst, "\r\n"...)
}

func appendHead(dst []byte, letter byte, n int64) []byte {
	dst = append(dst, letter)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, "\r\n"...)
}

// appendLine appends a status or an error. Line breaks, which would end it early, become spaces.
func appendLine(dst []byte, letter byte, s string) []byte {
	dst = append(dst, letter)
	if !strings.ContainsAny(s, "\r\n") {
		dst = append(dst, s...)
		return append(dst, "\r\n"...)
	}
	for _, c := range []byte(s) {
		if c == '\r' || c == '\n' {
			c = ' '
		}
		dst = append(dst, c)
	}
	return append(dst, "\r\n"...)
}
