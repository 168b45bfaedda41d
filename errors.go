package caucus

import (
	"errors"
	"fmt"
	"strings"
)

// Error is what a command answers when it cannot do what was asked. Its first word says what to do; the
// table below gives each word its HTTP status and exit status, so that all doors tell the same story.
type Error struct {
	Word    string // one of the words below
	Message string // what was wrong and what to do about it
}

// Error gives the line as RESP sends it, without the leading minus sign.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Word
	}
	return e.Word + " " + e.Message
}

// Is makes errors.Is(err, caucus.ErrTryAgain) true for every error with that word, also for one that came
// over a wire.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Word == e.Word && (t.Message == "" || t.Message == e.Message)
}

// The words. Each stands for every error that begins with it.
var (
	ErrBad         = &Error{Word: "ERR"}       // the request is wrong; nothing happened
	ErrWrongType   = &Error{Word: "WRONGTYPE"} // the key holds another kind of value
	ErrExecAbort   = &Error{Word: "EXECABORT"} // a queued command was wrong
	ErrNoProto     = &Error{Word: "NOPROTO"}   // HELLO with an unknown version
	ErrNoAuth      = &Error{Word: "NOAUTH"}    // authenticate first
	ErrWrongPass   = &Error{Word: "WRONGPASS"} // that password is not it
	ErrNoPerm      = &Error{Word: "NOPERM"}    // this user may not
	ErrDenied      = &Error{Word: "DENIED"}    // this door serves only loopback for now
	ErrNoSession   = &Error{Word: "NOSESSION"} // the session does not exist (any more)
	ErrNoGroup     = &Error{Word: "NOGROUP"}   // the group does not exist
	ErrNoMember    = &Error{Word: "NOMEMBER"}  // the member does not exist
	ErrNoLeader    = &Error{Word: "NOLEADER"}  // the group has no leader
	ErrNoPoll      = &Error{Word: "NOPOLL"}    // the poll does not exist
	ErrConflict    = &Error{Word: "CONFLICT"}  // it exists, but otherwise
	ErrGap         = &Error{Word: "GAP"}       // what was asked for is no longer kept
	ErrTryAgain    = &Error{Word: "TRYAGAIN"}  // not applied, for certain; retrying is safe
	ErrLoading     = &Error{Word: "LOADING"}   // the node is starting; retrying is safe
	ErrUncertain   = &Error{Word: "UNCERTAIN"} // it may have been applied
	ErrOutOfMemory = &Error{Word: "OOM"}       // memory is full
	ErrNoSpace     = &Error{Word: "NOSPACE"}   // the disk is full
)

type outcome struct{ http, exit int }

// outcomes is the one table from word to HTTP status and exit status (WIRE: "Errors").
var outcomes = map[string]outcome{
	"ERR": {400, 1}, "WRONGTYPE": {400, 1}, "EXECABORT": {400, 1}, "NOPROTO": {400, 1},
	"NOAUTH": {401, 1}, "WRONGPASS": {401, 1},
	"NOPERM": {403, 1}, "DENIED": {403, 1},
	"NOSESSION": {404, 1}, "NOGROUP": {404, 1}, "NOMEMBER": {404, 1}, "NOLEADER": {404, 1}, "NOPOLL": {404, 1},
	"CONFLICT": {409, 1}, "GAP": {410, 1},
	"TRYAGAIN": {503, 1}, "LOADING": {503, 1}, "UNCERTAIN": {504, 3},
	"OOM": {507, 1}, "NOSPACE": {507, 1},
}

// HTTPStatus gives the HTTP status of the error's word; 400 for a word it does not know.
func (e *Error) HTTPStatus() int {
	if o, ok := outcomes[e.Word]; ok {
		return o.http
	}
	return 400
}

// ExitStatus gives the exit status of a command-line call that ended in this error.
func (e *Error) ExitStatus() int {
	if o, ok := outcomes[e.Word]; ok {
		return o.exit
	}
	return 1
}

// Errorf makes an error with the given word.
func Errorf(word *Error, format string, args ...any) *Error {
	return &Error{Word: word.Word, Message: fmt.Sprintf(format, args...)}
}

// Fail makes the reply for an error with the given word.
func Fail(word *Error, format string, args ...any) Reply {
	return ErrorReply(Errorf(word, format, args...))
}

// SafeToRetry says whether an error means that the request was not carried out, for certain, and that the
// same request may succeed when it is made again: TRYAGAIN and LOADING. It is false for nil, for
// ErrUncertain, after which the request may have been carried out, and for errors that will be the same
// again.
func SafeToRetry(err error) bool {
	return (errors.Is(err, ErrTryAgain) || errors.Is(err, ErrLoading)) && !errors.Is(err, ErrUncertain)
}

// ErrorReply makes the reply for an error. Line breaks, which a RESP error line cannot hold, become spaces.
func ErrorReply(err *Error) Reply {
	return Reply{Kind: KindError, Str: oneLine.Replace(err.Error())}
}

var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// ParseError reads an error line of a server into an Error. A line without a word gets ERR.
func ParseError(line string) *Error {
	word, message, _ := strings.Cut(line, " ")
	if word == "" || word != strings.ToUpper(word) {
		return &Error{Word: ErrBad.Word, Message: line}
	}
	return &Error{Word: word, Message: message}
}
