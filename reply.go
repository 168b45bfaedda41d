package caucus

import "strconv"

// Kind says what a Reply holds.
type Kind uint8

// The kinds of replies. They are RESP3's types; in RESP2 each has the older form that Redis gives it.
const (
	KindNil      Kind = iota // nothing, where a scalar would stand
	KindNilArray             // nothing, where an array would stand
	KindStatus               // Str, a short line such as OK
	KindError                // Str, beginning with the error's word
	KindInt                  // Int
	KindBulk                 // Str, any bytes
	KindArray                // Items
	KindMap                  // Items, key and value in turn, in a fixed order
	KindSet                  // Items
	KindPush                 // Items, sent without having been asked for
	KindDouble               // Float
	KindBool                 // Int, 0 or 1
	KindVerbatim             // Str, text for people (format "txt")
	KindPairs                // Items, two and two: arrays of two in RESP3, all in one array in RESP2
)

// Reply is the answer to one command. The zero Reply is nil. A Reply is a value: who receives it may keep
// it, and nobody changes what its Items point to. Strings hold any bytes.
type Reply struct {
	Kind  Kind
	Int   int64
	Float float64
	Str   string
	Items []Reply
}

// OK returns the status reply of a command that has nothing else to say.
func OK() Reply { return Reply{Kind: KindStatus, Str: "OK"} }

// Nil returns the reply for a missing scalar.
func Nil() Reply { return Reply{} }

// NilArray returns the reply for a missing array.
func NilArray() Reply { return Reply{Kind: KindNilArray} }

// Status returns a status line. It must not hold a line break.
func Status(s string) Reply { return Reply{Kind: KindStatus, Str: s} }

// Int returns an integer reply.
func Int(n int64) Reply { return Reply{Kind: KindInt, Int: n} }

// Truth returns the integer 1 or 0, as the wire writes truth values.
func Truth(b bool) Reply {
	if b {
		return Int(1)
	}
	return Int(0)
}

// Bulk returns a string of any bytes.
func Bulk(s string) Reply { return Reply{Kind: KindBulk, Str: s} }

// Double returns a floating-point reply.
func Double(f float64) Reply { return Reply{Kind: KindDouble, Float: f} }

// Array returns an array of replies.
func Array(items ...Reply) Reply { return Reply{Kind: KindArray, Items: items} }

// Bulks returns an array of strings.
func Bulks(ss ...string) Reply {
	items := make([]Reply, len(ss))
	for i, s := range ss {
		items[i] = Bulk(s)
	}
	return Array(items...)
}

// Map returns a map; items are key and value in turn and keep their order on the wire.
func Map(items ...Reply) Reply { return Reply{Kind: KindMap, Items: items} }

// Pairs returns an array of pairs; items are the two of each in turn. RESP2 has one array of them all.
func Pairs(items ...Reply) Reply { return Reply{Kind: KindPairs, Items: items} }

// Push returns a message that was not asked for; RESP2 sends it as an array.
func Push(items ...Reply) Reply { return Reply{Kind: KindPush, Items: items} }

// IsNil says whether the reply is one of the two nils.
func (r Reply) IsNil() bool { return r.Kind == KindNil || r.Kind == KindNilArray }

// Err returns the reply's error, or nil when the reply is not one.
func (r Reply) Err() error {
	if r.Kind != KindError {
		return nil
	}
	return ParseError(r.Str)
}

// Field returns the value that a map has under a name, in either form that a map has on the wire; nil when
// there is none.
func (r Reply) Field(name string) Reply {
	for i := 0; i+1 < len(r.Items); i += 2 {
		if r.Items[i].Text() == name {
			return r.Items[i+1]
		}
	}
	return Nil()
}

// Text returns a scalar reply as text: a string as it is, numbers in decimal, everything else "".
func (r Reply) Text() string {
	switch r.Kind {
	case KindInt, KindBool:
		return strconv.FormatInt(r.Int, 10)
	case KindDouble:
		return strconv.FormatFloat(r.Float, 'g', 17, 64)
	case KindStatus, KindBulk, KindVerbatim, KindError:
		return r.Str
	}
	return ""
}
