package talk

import (
	"cmp"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// answer gives the reply of what depends on nothing but its arguments.
func (t *Talk) answer(s *command.Spec, cmd caucus.Command) caucus.Reply {
	if s.Helps() {
		container, _, _ := strings.Cut(s.Name, "|")
		return t.cfg.Table.Help(container)
	}
	switch s.Name {
	case "ping":
		return ping(cmd)
	case "echo":
		return caucus.Bulk(cmd[1])
	case "select":
		return choose(cmd[1])
	case "acl|whoami":
		return caucus.Bulk(cmp.Or(t.cfg.User, "default"))
	case "unwatch": // queued: the transaction forgets what was watched in any case
		return caucus.OK()
	}
	return t.cfg.Table.Describe(s, cmd)
}

func ping(cmd caucus.Command) caucus.Reply {
	switch len(cmd) {
	case 1:
		return caucus.Status("PONG")
	case 2:
		return caucus.Bulk(cmd[1])
	}
	return caucus.Fail(caucus.ErrBad, "wrong number of arguments for 'ping' command")
}

// choose answers SELECT: there is one database.
func choose(index string) caucus.Reply {
	if err := command.ReadDatabase(index); err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.OK()
}

// node asks the node.
func (t *Talk) node(cmd caucus.Command) caucus.Reply {
	if t.cfg.Node == nil {
		return caucus.Fail(caucus.ErrBad, "there is no node here to answer '%s'", cmd[0])
	}
	return t.cfg.Node(cmd)
}
