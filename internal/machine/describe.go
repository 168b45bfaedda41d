package machine

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
)

// How much of an entry people are shown: bytes of one argument, and of the whole.
const (
	shownArgument = 64
	shownEntry    = 4096
)

// Describe says in words what an entry asks for: the leader's decisions, then what came through each node,
// named by name. It shows as much of a session's hash as tells sessions apart, never what lets somebody act.
func Describe(e *entry.Entry, name func(id uint64) string) string {
	var all []string
	for i := range e.Notes {
		all = append(all, "leader: "+describeOp(&e.Notes[i]))
	}
	for i := range e.Batches {
		b := &e.Batches[i]
		for j := range b.Ops {
			all = append(all, name(b.Node)+": "+describeOp(&b.Ops[j]))
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	size := 0
	for i, text := range all {
		if size += len(text) + len("; "); size > shownEntry && i > 0 {
			return strings.Join(all[:i], "; ") + fmt.Sprintf("; and %d more", len(all)-i)
		}
	}
	return strings.Join(all, "; ")
}

func describeOp(op *entry.Op) string {
	if len(op.Args) == 0 {
		return "nothing"
	}
	if op.Args[0] != "" && op.Args[0][0] == '.' {
		return describeOwn(op)
	}
	var text strings.Builder
	if op.Session != (entry.Session{}) {
		fmt.Fprintf(&text, "[%s] ", shortHash(op.Session))
	}
	if op.Once != 0 {
		fmt.Fprintf(&text, "ONCE %d ", op.Once)
	}
	if len(op.Queue) > 0 {
		text.WriteString("MULTI")
		for _, cmd := range op.Queue {
			text.WriteString(" | " + shownCommand(cmd))
		}
		text.WriteString(" | ")
	}
	text.WriteString(shownCommand(op.Args))
	return text.String()
}

// describeOwn puts what no client can send into words.
func describeOwn(op *entry.Op) string {
	args := op.Args[1:]
	switch {
	case op.Args[0] == opBoot && len(args) == 1:
		r := fields.StringReader(args[0])
		n := ReadNode(&r)
		return fmt.Sprintf("%s started for the %s time, at %s", n.Name, ordinal(n.Boots), n.Client)
	case op.Args[0] == opDrop:
		return "the connection of session " + shortHash(op.Session) + " was closed"
	case op.Args[0] == opEnd && len(args) > 0:
		return "session " + shortHash(op.Session) + " has ended: " + args[0]
	case op.Args[0] == opMark && len(args) > 0:
		return "silent for " + args[0] + " quarters of their TTL: " + shownSessions(args[1:])
	case op.Args[0] == opClear:
		return "heard again: " + shownSessions(args)
	case op.Args[0] == opSetUser && len(args) > 0:
		return shownUser(args[0], args[1:])
	case op.Args[0] == opGrant && len(args) > 0:
		return "what was revoked in group " + args[0] + " is granted anew"
	}
	return strings.TrimPrefix(shownCommand(op.Args), ".")
}

// shownUser tells of an ACL SETUSER without the hashes of passwords.
func shownUser(name string, rules []string) string {
	cmd := caucus.Command{"ACL", "SETUSER", name}
	for _, rule := range rules {
		if rule != "" && (rule[0] == '#' || rule[0] == '!') {
			rule = rule[:1] + "..."
		}
		cmd = append(cmd, rule)
	}
	return shownCommand(cmd)
}

func ordinal(n uint64) string {
	endings := map[uint64]string{1: "st", 2: "nd", 3: "rd"}
	if ending, ok := endings[n%10]; ok && n%100/10 != 1 {
		return strconv.FormatUint(n, 10) + ending
	}
	return strconv.FormatUint(n, 10) + "th"
}

func shownSessions(hashes []string) string {
	shown := make([]string, len(hashes))
	for i, h := range hashes {
		shown[i] = shortHash(hashOf(h))
	}
	return strings.Join(shown, ", ")
}

// shownCommand gives a command as one types it. In those about sessions their hashes are shortened.
func shownCommand(cmd caucus.Command) string {
	words := make([]string, len(cmd))
	for i, arg := range cmd {
		switch {
		case i > 1 && strings.EqualFold(cmd[0], "session") && len(arg) == len(entry.Session{}):
			words[i] = shortHash(hashOf(arg))
		case len(arg) > shownArgument:
			words[i] = shownWord(arg[:shownArgument]) + fmt.Sprintf("...(%d bytes)", len(arg))
		default:
			words[i] = shownWord(arg)
		}
	}
	return strings.Join(words, " ")
}

// shownWord quotes what is not plain.
func shownWord(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '|' || c == ';'
	})
	if plain {
		return s
	}
	return strconv.Quote(s)
}
