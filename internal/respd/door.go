package respd

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// door answers a command of the door's own.
func (c *client) door(s *command.Spec, cmd caucus.Command) {
	switch s.Name {
	case "subscribe", "psubscribe":
		c.subscribe(s.Name, cmd[1:])
	case "unsubscribe", "punsubscribe":
		c.unsubscribe(s.Name, cmd[1:])
	case "ping":
		c.pingListening(cmd)
	case "reset":
		c.reset(cmd)
	case "auth":
		c.say(c.auth(cmd))
	case "hello":
		c.say(c.hello(cmd))
	case "quit":
		c.say(caucus.OK())
		c.leaving, c.byWord = true, true
	case "slowlog|get", "slowlog|len", "slowlog|reset":
		c.say(c.s.slow.answer(s.Name, cmd))
	case "slowlog|help":
		c.say(c.s.cfg.Table.Help("slowlog"))
	default:
		c.say(c.aboutClients(s.Name, cmd))
	}
}

// reset makes the connection as new, log-in included. The server's part of it goes first.
func (c *client) reset(cmd caucus.Command) {
	replies := c.talk.DoAll(c.ctx, []caucus.Command{cmd})
	if len(replies) == 1 && replies[0].Kind == caucus.KindError {
		c.say(replies[0])
		return
	}
	c.silence()
	c.multi.Store(false)
	c.queue.shrink(0)
	c.gate.Lock()
	c.proto, c.name, c.library = 2, "", [2]string{}
	c.gate.Unlock()
	c.greet()
	c.talk.As(c.who.User)
	c.watchEntrance()
	c.say(caucus.Status("RESET"))
}

// aboutClients answers CLIENT.
func (c *client) aboutClients(name string, cmd caucus.Command) caucus.Reply {
	switch name {
	case "client|id":
		return caucus.Int(int64(c.id))
	case "client|getname":
		if c.name == "" {
			return caucus.Nil()
		}
		return caucus.Bulk(c.name)
	case "client|setname":
		return c.setName(cmd[2])
	case "client|setinfo":
		return c.setInfo(cmd[2], cmd[3])
	case "client|info":
		return caucus.Reply{Kind: caucus.KindVerbatim, Str: c.describe() + "\n"}
	case "client|list":
		return c.s.list(cmd[2:])
	case "client|kill":
		return c.kill(cmd[2:])
	case "client|no-evict", "client|no-touch":
		return onOff(cmd[2], caucus.OK())
	case "client|tracking":
		return c.setTracking(cmd[2:])
	case "client|caching":
		return c.setCaching(cmd[2])
	case "client|trackinginfo":
		return c.trackingInfo()
	case "client|getredir":
		return c.redirection()
	}
	return c.s.cfg.Table.Help("client")
}

// onOff answers a switch: OK for OFF, on for ON.
func onOff(word string, on caucus.Reply) caucus.Reply {
	switch {
	case strings.EqualFold(word, "ON"):
		return on
	case strings.EqualFold(word, "OFF"):
		return caucus.OK()
	}
	return caucus.Fail(caucus.ErrBad, "syntax error")
}

func (c *client) setName(name string) caucus.Reply {
	if !validName(name) {
		return badName()
	}
	c.gate.Lock()
	defer c.gate.Unlock()
	c.name = strings.Clone(name)
	return caucus.OK()
}

func (c *client) setInfo(what, value string) caucus.Reply {
	at := 0
	switch {
	case strings.EqualFold(what, "LIB-NAME"):
	case strings.EqualFold(what, "LIB-VER"):
		at = 1
	default:
		return caucus.Fail(caucus.ErrBad, "Unrecognized option '%.64s'", what)
	}
	if !validName(value) {
		return caucus.Fail(caucus.ErrBad, "%s cannot contain spaces, newlines or special characters.",
			strings.ToLower(what))
	}
	c.gate.Lock()
	defer c.gate.Unlock()
	c.library[at] = strings.Clone(value)
	return caucus.OK()
}
