package client

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// repeatable says whether a command may be sent again though the first may have been carried out: reads, and
// what asks a node about itself. What the table does not know counts as a write.
func (c *Client) repeatable(cmd caucus.Command) bool {
	spec, err := c.table.Lookup(cmd)
	return err == nil && !spec.Writes() && spec.Flags&(command.Admin|command.PubSub) == 0
}

// refuse names what cannot be done on a connection that callers share.
func (c *Client) refuse(cmd caucus.Command) error {
	if len(cmd) == 0 {
		return caucus.Errorf(caucus.ErrBad, "client: empty command")
	}
	if personal(cmd) {
		return caucus.Errorf(caucus.ErrBad,
			"client: '%s' belongs to one connection, and this one is shared", strings.ToUpper(cmd[0]))
	}
	return nil
}

// refuseAlone is refuse for a command that stands in no transaction, and so would wait.
func (c *Client) refuseAlone(cmd caucus.Command) error {
	if spec, err := c.table.Lookup(cmd); err == nil && spec.Timeout != 0 {
		return caucus.Errorf(caucus.ErrBad, "client: '%s' may wait, and what others say on the connection that is "+
			"shared would wait behind it; use one of a Redis client", strings.ToUpper(cmd[0]))
	}
	return c.refuse(cmd)
}

// personal says whether a command changes the conversation that it is said in.
func personal(cmd caucus.Command) bool {
	switch strings.ToLower(cmd[0]) {
	case "auth", "hello", "quit", "reset", "select", "client", "monitor", "readonly", "readwrite", "once",
		"subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe",
		"multi", "exec", "discard", "watch", "unwatch", "guard":
		return true
	case "session":
		return len(cmd) < 3 || strings.EqualFold(cmd[1], "open") || strings.EqualFold(cmd[1], "resume")
	case "group":
		return len(cmd) > 1 && (strings.EqualFold(cmd[1], "join") || strings.EqualFold(cmd[1], "send"))
	case "lock":
		return len(cmd) > 1 && !strings.EqualFold(cmd[1], "help")
	}
	return false
}
