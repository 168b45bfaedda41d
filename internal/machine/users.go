package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/users"
)

// Users gives the users of the ensemble. The Book never changes.
func (s *state) Users() *users.Book { return s.users }

// userCommands names who carries out ACL.
func (m *Machine) userCommands() {
	m.writes[opSetUser] = setUser
	m.writes["acl|deluser"] = delUser
	m.reads["acl|list"] = listUsers
	m.reads["acl|users"] = nameUsers
	m.reads["acl|getuser"] = getUser
	m.reads["acl|dryrun"] = m.dryRun
}

// SetUser is a node's report of an ACL SETUSER of its client, whose rules it has checked, and with hashes in
// place of the passwords.
func SetUser(by, name string, rules []string) entry.Op {
	return entry.Op{User: by, Args: append(caucus.Command{opSetUser, name}, rules...)}
}

// may says why who speaks may not have a command carried out, nil when he may. It is asked where the command
// is applied, so that what was taken from a user is gone from then on, through whatever node he speaks. What
// the functions of custom commands do is not judged again, nor what comes from inside a node's process, nor
// what nodes report.
func (m *Machine) may(q *query, spec *command.Spec) *caucus.Error {
	if q.op.User == "" && len(q.s.users.Listed()) == 0 || q.trusted || fromInside(q.op) {
		return nil
	}
	switch spec.Name {
	case opSetUser:
		spec = m.table.Row("acl|setuser")
	case opSend:
		spec = m.table.Row("group|send")
	}
	if spec.Name[0] == '.' {
		return nil
	}
	return q.s.users.May(q.op.User, spec, q.args)
}

// setUser makes or changes a user.
func setUser(c *call) caucus.Reply {
	if len(c.args) < 2 {
		return caucus.Fail(caucus.ErrBad, "a user without a name")
	}
	name := strings.Clone(c.args[1])
	if err := users.ValidName(name); err != nil {
		return caucus.ErrorReply(err)
	}
	u := c.m.users.Find(name)
	if u == nil {
		u = users.New(name)
	}
	rules := make([]string, len(c.args)-2)
	for i, rule := range c.args[2:] {
		rules[i] = strings.Clone(rule)
	}
	u, err := u.With(rules)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	book, err := c.m.users.With(u)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	c.m.users = book
	return caucus.OK()
}

// delUser removes users. What they have asked for and is not applied yet is refused.
func delUser(c *call) caucus.Reply {
	for _, name := range c.args[2:] {
		if name == users.Default {
			return caucus.Fail(caucus.ErrBad, "The 'default' user cannot be removed")
		}
	}
	book, gone := c.m.users.Without(c.args[2:])
	c.m.users = book
	return caucus.Int(gone)
}

func listUsers(q *query) caucus.Reply {
	var lines []string
	for _, u := range q.s.users.All() {
		lines = append(lines, u.String())
	}
	return caucus.Bulks(lines...)
}

func nameUsers(q *query) caucus.Reply {
	var names []string
	for _, u := range q.s.users.All() {
		names = append(names, u.Name)
	}
	return caucus.Bulks(names...)
}

// getUser describes a user in the fields of Redis 7.0.
func getUser(q *query) caucus.Reply {
	u := q.s.users.Find(q.args[2])
	if u == nil || q.args[2] == "" {
		return caucus.Nil()
	}
	return caucus.Map(
		caucus.Bulk("flags"), caucus.Bulks(u.Flags()...),
		caucus.Bulk("passwords"), caucus.Bulks(u.Hashes...),
		caucus.Bulk("commands"), caucus.Bulk(strings.Join(u.Commands(), " ")),
		caucus.Bulk("keys"), caucus.Bulk(strings.Join(u.Keys(), " ")),
		caucus.Bulk("channels"), caucus.Bulk(strings.Join(u.Channels(), " ")),
		caucus.Bulk("selectors"), caucus.Array())
}

// dryRun says whether a user might have a command carried out.
func (m *Machine) dryRun(q *query) caucus.Reply {
	u := q.s.users.Find(q.args[2])
	if u == nil || q.args[2] == "" {
		return caucus.Fail(caucus.ErrBad, "User '%.64s' not found", q.args[2])
	}
	cmd := q.args[3:]
	if !m.table.Has(cmd[0]) {
		return caucus.Fail(caucus.ErrBad, "Command '%.64s' not found", cmd[0])
	}
	spec, err := m.table.Lookup(cmd)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if why := u.DryRun(spec, cmd); why != "" {
		return caucus.Bulk(why)
	}
	return caucus.OK()
}
