package machine

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/caucus-project/caucus/internal/entry"
)

// Events that are kept per group (SAFETY B18).
const (
	eventsKept = 1024
	eventBytes = 1 << 20
)

// telling is an event that is being written. The fields stand in the order of WIRE, so that the bytes are the
// same on every node.
type telling struct {
	m    *Machine
	g    *group
	json []byte
}

// tell begins an event of a group with the next seq (SAFETY A11). Done ends it.
func (m *Machine) tell(g *group, event string) *telling {
	g.seq++
	t := &telling{m: m, g: g, json: make([]byte, 0, 192)}
	t.json = append(t.json, '{')
	return t.text("event", event).text("group", g.name).number("life", g.life).number("seq", g.seq).
		integer("time", m.now/1000)
}

func (t *telling) field(name string) {
	if len(t.json) > 1 {
		t.json = append(t.json, ',')
	}
	t.json = append(t.json, '"')
	t.json = append(t.json, name...)
	t.json = append(t.json, '"', ':')
}

func (t *telling) number(name string, n uint64) *telling {
	t.field(name)
	t.json = strconv.AppendUint(t.json, n, 10)
	return t
}

func (t *telling) integer(name string, n int64) *telling {
	t.field(name)
	t.json = strconv.AppendInt(t.json, n, 10)
	return t
}

// moment writes a time, or null for 0.
func (t *telling) moment(name string, millis int64) *telling {
	if millis == 0 {
		return t.text(name, "")
	}
	return t.integer(name, millis)
}

// text writes a string, or null for an empty one.
func (t *telling) text(name, s string) *telling {
	t.field(name)
	if s == "" {
		t.json = append(t.json, "null"...)
		return t
	}
	t.json = appendJSON(t.json, strings.ToValidUTF8(s, "\uFFFD"))
	return t
}

// bytes writes a string of any bytes: as text if it is valid UTF-8, else in base64 under name_b64.
func (t *telling) bytes(name, s string) *telling {
	if utf8.ValidString(s) {
		return t.text(name, s)
	}
	t.field(name + "_b64")
	t.json = append(t.json, '"')
	t.json = base64.StdEncoding.AppendEncode(t.json, []byte(s))
	t.json = append(t.json, '"')
	return t
}

// done keeps the event and hands it out.
func (t *telling) done() {
	json := string(append(t.json, '}'))
	t.g.keep(t.g.seq, json)
	t.m.out.Events = append(t.m.out.Events, entry.Event{Group: t.g.name, Seq: t.g.seq, JSON: json})
}

// keep adds an event to those that can be read again, and lets go of the oldest.
func (g *group) keep(seq uint64, json string) {
	if old, replaced := g.kept.Set(seq, json); replaced {
		g.size -= len(old)
	}
	g.size += len(json)
	for g.kept.Len() > eventsKept || g.size > eventBytes && g.kept.Len() > 1 {
		_, oldest, _ := g.kept.PopMin()
		g.size -= len(oldest)
	}
}

const hex = "0123456789abcdef"

// appendJSON appends valid UTF-8 as a JSON string.
func appendJSON(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
