package peer

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/caucus-project/caucus"
)

// Refusal is why a handshake went no further. Both ends get the same text.
type Refusal struct {
	Code Code
	Text string
	Mine bool // this node refused; otherwise it was refused
}

// Code says what kind of refusal it is. The codes are numbers on the wire.
type Code uint8

// The codes. RefusedOwner is the verdict of Handler.Greeted, unless that is a *Refusal with a code of its
// own.
const (
	RefusedVersion  Code = 1
	RefusedPassword Code = 2
	RefusedDenied   Code = 3
	RefusedCluster  Code = 4
	RefusedMistaken Code = 5 // the dialler meant another node
	RefusedPurpose  Code = 6 // not open to one without a cluster and an id
	RefusedOwner    Code = 7
	RefusedRemoved  Code = 8  // the dialler was removed from the ensemble
	RefusedCopy     Code = 9  // the dialler's data directory is an old copy, or another process has it as well
	RefusedUnready  Code = 10 // the right node, which does not know its id yet: it joins, or reads its log
)

// final says whether the refused is to stop: with a password such a refusal is proven.
func (c Code) final() bool { return c == RefusedRemoved || c == RefusedCopy }

// Error tells who refused whom, and why.
func (r *Refusal) Error() string {
	if r.Mine {
		return "refused the peer: " + r.Text
	}
	return "refused by the peer: " + r.Text
}

// Is makes errors.Is(err, caucus.ErrDenied) true for a door that serves only loopback, and matches
// refusals by their code.
func (r *Refusal) Is(target error) bool {
	if t, ok := target.(*Refusal); ok {
		return t.Code == r.Code
	}
	return r.Code == RefusedDenied && target == error(caucus.ErrDenied)
}

const maxReason = 1024

func refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...), Mine: true}
}

func (r *Refusal) encode() []byte {
	return append([]byte{uint8(r.Code)}, clip(r.Text)...)
}

func decodeRefusal(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: a refusal without a reason", ErrGarbled)
	}
	return &Refusal{Code: Code(b[0]), Text: clip(string(b[1:]))}
}

// clip keeps a text that goes out or came in short and printable.
func clip(text string) string {
	if len(text) > maxReason {
		text = text[:maxReason]
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "?")
	}
	return text
}

func refusalIn(err error) (*Refusal, bool) {
	var r *Refusal
	ok := errors.As(err, &r)
	return r, ok
}
