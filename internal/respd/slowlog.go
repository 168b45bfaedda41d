package respd

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
)

// slowLog remembers which commands took long, as Redis does with its default settings. What waits because it
// was told to is not slow. Commands of one pipeline take equally long; the first of them stands for all.
type slowLog struct {
	mu   sync.Mutex
	last int64  // number of the last one
	list []slow // oldest first
}

// slow is a command that took long.
type slow struct {
	id   int64
	at   time.Time
	took time.Duration
	cmd  caucus.Command // shortened
	addr string
	name string // of the connection
}

const (
	slowerThan  = 10 * time.Millisecond
	slowKept    = 128
	slowWords   = 32  // of a command, one of which says how many more there were
	slowLetters = 128 // of a word
)

// note notes a command that took so long, if that is long.
func (l *slowLog) note(c *client, cmd caucus.Command, took time.Duration) {
	c.gate.Lock()
	name := c.name
	c.gate.Unlock()
	entry := slow{at: c.s.cfg.Now(), took: took, cmd: shortened(cmd), addr: c.conn.RemoteAddr().String(),
		name: name}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	entry.id = l.last
	if l.list = append(l.list, entry); len(l.list) > slowKept {
		l.list = slices.Delete(l.list, 0, 1)
	}
}

// shortened gives a command as Redis keeps it, in memory of its own, and without what may be a password.
func shortened(cmd caucus.Command) caucus.Command {
	words := make(caucus.Command, 0, min(len(cmd), slowWords))
	secret := len(cmd) > 1 && strings.EqualFold(cmd[0], "acl") && strings.EqualFold(cmd[1], "setuser")
	for i, word := range cmd {
		if secret && i > 2 {
			word = "(redacted)"
		}
		if i == slowWords-1 && len(cmd) > slowWords {
			return append(words, "... ("+strconv.Itoa(len(cmd)-i)+" more arguments)")
		}
		if len(word) > slowLetters {
			word = word[:slowLetters] + "... (" + strconv.Itoa(len(word)-slowLetters) + " more bytes)"
		}
		words = append(words, strings.Clone(word))
	}
	return words
}

// answer answers SLOWLOG.
func (l *slowLog) answer(name string, cmd caucus.Command) caucus.Reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch name {
	case "slowlog|len":
		return caucus.Int(int64(len(l.list)))
	case "slowlog|reset":
		l.list = nil
		return caucus.OK()
	}
	most := int64(10)
	if len(cmd) == 3 {
		n, err := strconv.ParseInt(cmd[2], 10, 64)
		if err != nil || n < -1 {
			return caucus.Fail(caucus.ErrBad, "count should be greater than or equal to -1")
		}
		most = n
	}
	rows := []caucus.Reply{}
	for i := len(l.list) - 1; i >= 0 && (most == -1 || int64(len(rows)) < most); i-- {
		e := l.list[i]
		rows = append(rows, caucus.Array(caucus.Int(e.id), caucus.Int(e.at.Unix()),
			caucus.Int(e.took.Microseconds()), caucus.Bulks(e.cmd...), caucus.Bulk(e.addr), caucus.Bulk(e.name)))
	}
	return caucus.Array(rows...)
}
