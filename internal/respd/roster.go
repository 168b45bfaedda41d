package respd

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
)

// describe gives the line of a connection in CLIENT LIST.
func (c *client) describe() string {
	c.gate.Lock()
	name, library, proto, user := c.name, c.library, c.proto, cmp.Or(c.who.User, "default")
	c.gate.Unlock()
	now := c.s.cfg.Now()
	cmd, multi := "NULL", -1
	if s := c.cmd.Load(); s != nil {
		cmd = s.Name
	}
	if c.multi.Load() {
		multi = 0
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=0 sub=%d psub=%d "+
		"ssub=0 multi=%d cmd=%s user=%s redir=-1 resp=%d lib-name=%s lib-ver=%s",
		c.id, c.conn.RemoteAddr(), c.conn.LocalAddr(), name, int64(now.Sub(c.born).Seconds()),
		int64(now.Sub(time.Unix(0, c.heard.Load())).Seconds()), c.flags(), c.subscribed.Load(),
		c.psubscribed.Load(), multi, cmd, user, proto, library[0], library[1])
}

func (c *client) flags() string {
	flags := ""
	if c.listens() {
		flags += "P"
	}
	if c.multi.Load() {
		flags += "x"
	}
	if c.waits.Load() {
		flags += "b"
	}
	if flags == "" {
		return "N"
	}
	return flags
}

func (c *client) listens() bool { return c.subscribed.Load()+c.psubscribed.Load() > 0 }

// kind gives the type of a connection in the words of CLIENT LIST TYPE.
func (c *client) kind() string {
	if c.listens() {
		return "pubsub"
	}
	return "normal"
}

// list answers CLIENT LIST [TYPE type] [ID id ...].
func (s *Server) list(args []string) caucus.Reply {
	wanted := func(*client) bool { return true }
	switch {
	case len(args) == 0:
	case len(args) == 2 && strings.EqualFold(args[0], "TYPE"):
		if !validType(args[1]) {
			return unknownType(args[1])
		}
		wanted = func(c *client) bool { return strings.EqualFold(args[1], c.kind()) }
	case len(args) >= 2 && strings.EqualFold(args[0], "ID"):
		ids := map[uint64]bool{}
		for _, arg := range args[1:] {
			id, err := strconv.ParseUint(arg, 10, 64)
			if err != nil || id == 0 {
				return caucus.Fail(caucus.ErrBad, "Invalid client ID")
			}
			ids[id] = true
		}
		wanted = func(c *client) bool { return ids[c.id] }
	default:
		return caucus.Fail(caucus.ErrBad, "syntax error")
	}
	var lines strings.Builder
	for _, c := range s.connected() {
		if wanted(c) {
			lines.WriteString(c.describe() + "\n")
		}
	}
	return caucus.Reply{Kind: caucus.KindVerbatim, Str: lines.String()}
}

func validType(word string) bool {
	switch strings.ToLower(word) {
	case "normal", "pubsub", "master", "replica", "slave":
		return true
	}
	return false
}

func unknownType(word string) caucus.Reply {
	return caucus.Fail(caucus.ErrBad, "Unknown client type '%.64s'", word)
}

// kill answers CLIENT KILL, in its old form with an address and its new one with filters.
func (c *client) kill(args []string) caucus.Reply {
	if len(args) == 1 {
		if c.killAll(func(k *client) bool { return k.conn.RemoteAddr().String() == args[0] }) == 0 {
			return caucus.Fail(caucus.ErrBad, "No such client")
		}
		return caucus.OK()
	}
	wanted, fail := c.filters(args)
	if fail != nil {
		return caucus.ErrorReply(fail)
	}
	return caucus.Int(int64(c.killAll(wanted)))
}

// killAll closes the wanted connections and counts them. The client's own is closed after the reply.
func (c *client) killAll(wanted func(*client) bool) int {
	n := 0
	for _, k := range c.s.connected() {
		if !wanted(k) {
			continue
		}
		n++
		if k == c {
			c.leaving = true
			c.ours.Store(true)
			continue
		}
		k.hangUp()
	}
	return n
}

// filters reads the filters of CLIENT KILL; a connection must pass them all.
func (c *client) filters(args []string) (func(*client) bool, *caucus.Error) {
	syntax := caucus.Errorf(caucus.ErrBad, "syntax error")
	if len(args)%2 != 0 {
		return nil, syntax
	}
	skipMe := true
	var tests []func(*client) bool
	for i := 0; i < len(args); i += 2 {
		word, value := strings.ToUpper(args[i]), args[i+1]
		if word == "SKIPME" {
			if !strings.EqualFold(value, "yes") && !strings.EqualFold(value, "no") {
				return nil, syntax
			}
			skipMe = strings.EqualFold(value, "yes")
			continue
		}
		test, err := filter(word, value)
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
	}
	return func(k *client) bool {
		if k == c && skipMe {
			return false
		}
		for _, test := range tests {
			if !test(k) {
				return false
			}
		}
		return true
	}, nil
}

func filter(word, value string) (func(*client) bool, *caucus.Error) {
	switch word {
	case "ID":
		id, err := strconv.ParseUint(value, 10, 64)
		if err != nil || id == 0 {
			return nil, caucus.Errorf(caucus.ErrBad, "client-id should be greater than 0")
		}
		return func(k *client) bool { return k.id == id }, nil
	case "ADDR":
		return func(k *client) bool { return k.conn.RemoteAddr().String() == value }, nil
	case "LADDR":
		return func(k *client) bool { return k.conn.LocalAddr().String() == value }, nil
	case "USER":
		return func(k *client) bool {
			who, in := k.login()
			return in && cmp.Or(who.User, "default") == value
		}, nil
	case "TYPE":
		if !validType(value) {
			return nil, caucus.Errorf(caucus.ErrBad, "Unknown client type '%.64s'", value)
		}
		return func(k *client) bool { return strings.EqualFold(value, k.kind()) }, nil
	}
	return nil, caucus.Errorf(caucus.ErrBad, "syntax error")
}
