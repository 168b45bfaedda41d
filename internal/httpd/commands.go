package httpd

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// command is POST /v1/commands: one command, or several as one transaction.
func (v *visit) command() caucus.Reply {
	writes := false
	for _, cmd := range v.commands {
		spec, err := v.fit(cmd)
		if err != nil {
			return caucus.ErrorReply(err)
		}
		writes = writes || spec.Writes()
	}
	cmds := v.commands
	if v.transaction {
		cmds = slices.Concat([]caucus.Command{{"MULTI"}}, cmds, []caucus.Command{{"EXEC"}})
	}
	reply := v.through(writes, func(conn waist.Conn) caucus.Reply {
		replies := v.do(conn, cmds...)
		if err, ok := firstError(replies...); !ok {
			return err
		}
		return replies[len(replies)-1]
	})
	if reply.Kind == caucus.KindError {
		return reply
	}
	return caucus.Map(caucus.Bulk("reply"), reply)
}

// fit finds the row of a command, unless it is one that makes no sense here: no request knows of another,
// and none waits.
func (v *visit) fit(cmd caucus.Command) (*command.Spec, *caucus.Error) {
	spec, err := v.door.cfg.Table.Lookup(cmd)
	if err != nil {
		return nil, err
	}
	if spec.Name == "once" {
		if inner, err := v.door.cfg.Table.Lookup(cmd[2:]); err != nil || inner.Name == "once" {
			return inner, err // there is none within another, as is said where it is carried out
		}
		return v.fit(cmd[2:])
	}
	said := strings.ToUpper(strings.ReplaceAll(spec.Name, "|", " "))
	_, waits := spec.Waits(cmd)
	switch instead := insteadOf[spec.Name]; {
	case instead != "":
		return nil, wrong("%s has no meaning here: %s", said, instead)
	case spec.Has(command.PubSub) && spec.Home == command.Door:
		return nil, wrong("%s has no meaning here: events come by GET /v1/groups/{g}/events", said)
	case spec.Home == command.Door:
		return nil, wrong("%s is about a RESP connection, and this is none", said)
	case waits:
		return nil, wrong("%s may not wait here; leave that out, and ask again", said)
	case v.session == "" && (spec.Name == "group|join" || spec.Name == "lock|acquire"):
		return nil, caucus.Errorf(caucus.ErrNoSession, "no session") // whose id nobody would be told
	}
	return spec, nil
}

const (
	noTransaction = "the commands of a transaction are sent at once, as an array of commands"
	noWatch       = "GET /v1/keys/{key} gives an ETag, and with If-Match a PUT depends on it"
	noSessions    = "POST /v1/sessions opens one, and the header " + sessionHeader + " names it"
	noNextRequest = "no request knows of another"
)

// insteadOf says what to do in place of commands that are about what follows on the same connection.
var insteadOf = map[string]string{
	"multi": noTransaction, "exec": noTransaction, "discard": noTransaction,
	"watch": noWatch, "unwatch": noWatch, "session|open": noSessions, "session|resume": noSessions,
	"readonly": noNextRequest, "readwrite": noNextRequest, "reset": noNextRequest,
}

// readCommands reads the body of POST /v1/commands.
func (v *visit) readCommands(limit int64) (status int, err *caucus.Error) {
	body, status, err := bodyOf(v.w, v.r, limit)
	if err != nil {
		return status, err
	}
	if !utf8.Valid(body) {
		return http.StatusBadRequest, wrong(`the body is not UTF-8, which JSON is; bytes that are no text go as ` +
			`{"b64": base64}`)
	}
	rest, isArray := bytes.CutPrefix(bytes.TrimSpace(body), []byte("["))
	rest = bytes.TrimSpace(rest)
	if !json.Valid(body) || !isArray || rest[0] == ']' {
		return http.StatusBadRequest, wrong(`the body must be a command, such as ["GET", "k"], or an array of ` +
			`commands, which are carried out as one transaction`)
	}
	all := one(body)
	if v.transaction = rest[0] == '['; v.transaction {
		all = elements(body)
	}
	left := resp.MaxArgs
	for raw := range all {
		cmd, err := readCommand(raw, v.door.cfg.MaxArgument, &left)
		if err != nil {
			return http.StatusBadRequest, err
		}
		v.commands = append(v.commands, cmd)
	}
	return 0, nil
}

// one is a sequence of one element.
func one(raw json.RawMessage) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) { yield(raw) }
}

// elements goes through the elements of an array, one by one: so short may they be that a list of all would
// take twenty times the bytes. What is no array has none. The JSON is valid.
func elements(raw json.RawMessage) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		d := json.NewDecoder(bytes.NewReader(raw))
		begin, err := d.Token()
		for err == nil && begin == json.Delim('[') && d.More() {
			var element json.RawMessage
			if err = d.Decode(&element); err != nil || !yield(element) {
				return
			}
		}
	}
}

// readCommand reads one command, of words of so many bytes at most, and of no more words than are left to all
// commands of the request.
func readCommand(raw json.RawMessage, most int, left *int) (cmd caucus.Command, _ *caucus.Error) {
	for raw := range elements(raw) {
		word, ok := readWord(raw)
		*left--
		switch {
		case *left < 0:
			return nil, wrong("too many words: at most %d are taken", resp.MaxArgs)
		case !ok:
			return nil, wrong(`word %d of a command must be a string, a number or {"b64": base64}, not %.32s`,
				len(cmd)+1, raw)
		case len(word) > most:
			return nil, wrong("word %d of a command has %d bytes; it may have %d (proto-max-bulk-len)", len(cmd)+1,
				len(word), most)
		}
		cmd = append(cmd, word)
	}
	if len(cmd) == 0 {
		return nil, wrong("a command is an array of its words, not %.32s", raw)
	}
	return cmd, nil
}

// readWord reads one word of a command. A number is taken as it is written.
func readWord(raw json.RawMessage) (word string, ok bool) {
	switch c := raw[0]; {
	case c == '"':
		return readText(raw)
	case c == '-' || c >= '0' && c <= '9':
		return string(raw), true
	case c != '{':
		return "", false
	}
	object, err := inBody(raw, encodedWord)
	if err != nil || len(object) != 1 {
		return "", false
	}
	encoded, ok := readText(object[0].raw)
	decoded, problem := base64.StdEncoding.DecodeString(encoded)
	return string(decoded), ok && problem == nil
}

// encodedWord is what stands for a word that is no text.
var encodedWord = []field{{name: "b64"}}
