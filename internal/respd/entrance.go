package respd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/here"
	"github.com/caucus-project/caucus/internal/waist"
)

// greet decides who speaks on a connection that has said nothing yet.
func (c *client) greet() { c.be(c.s.cfg.Guard.Greet(c.bearer.User(), c.bearer.Node)) }

// be notes who speaks, and whether he need not log in.
func (c *client) be(who waist.Login, in bool) {
	c.gate.Lock()
	defer c.gate.Unlock()
	c.who, c.proven = who, in
}

// login gives who speaks, and whether he was let in.
func (c *client) login() (who waist.Login, in bool) {
	c.gate.Lock()
	defer c.gate.Unlock()
	return c.who, c.proven
}

// admit decides what a new connection may do before it has said anything.
func (c *client) admit() {
	c.denied = here.Denies(c.conn.RemoteAddr(), c.s.cfg.Guard.Closed(), c.bearer.Verified)
	if c.denied {
		c.s.denied.Add(1)
		c.s.grumble.Info("client denied: it comes from another machine, without a certificate, and there is no "+
			"password", "from", c.conn.RemoteAddr())
	}
	c.watchEntrance()
}

// watchEntrance gives a stranger little time and little room, and everybody else as much as they like.
func (c *client) watchEntrance() {
	stranger := !c.proven || c.denied
	c.in.SetStranger(stranger)
	deadline := time.Time{}
	if stranger {
		deadline = time.Now().Add(c.s.cfg.AuthTimeout)
	}
	if err := c.conn.SetReadDeadline(deadline); err != nil {
		c.leaving = true
	}
	if c.over() {
		c.interrupt() // the deadline that said so has just been overwritten
	}
}

// mayNot says why the client may not have a command carried out at all, nil when it may, as far as that is
// the door's to say. Spec is nil for what is no command.
func (c *client) mayNot(spec *command.Spec, cmd caucus.Command) *caucus.Error {
	switch {
	case c.denied:
		c.leaving = true
		c.ours.Store(true)
		return caucus.Errorf(caucus.ErrDenied, "this node serves only clients on its own machine "+here.Advice)
	case spec != nil && spec.Has(command.NoAuth):
		return nil
	case !c.proven:
		return caucus.Errorf(caucus.ErrNoAuth, "Authentication required.")
	case spec != nil && (spec.Home == command.Door || spec.Name == "getdump"):
		c.run() // it is judged at its place, which may be within a transaction
		by := waist.Asker{User: c.who.User, Multi: c.multi.Load(), About: c.describe}
		return c.s.cfg.Guard.Allow(by, cmd)
	}
	return nil
}

// auth answers AUTH.
func (c *client) auth(cmd caucus.Command) caucus.Reply {
	user, pass := "default", cmd[1]
	switch len(cmd) {
	case 2:
		if who, in := c.s.cfg.Guard.Greet("", false); in && who.User == "" {
			return caucus.Fail(caucus.ErrBad, "AUTH <password> called without any password configured for the "+
				"default user. Are you sure your configuration is correct?")
		}
	case 3:
		user, pass = cmd[1], cmd[2]
	default:
		return caucus.Fail(caucus.ErrBad, "syntax error")
	}
	if err := c.prove("AUTH", user, pass); err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.OK()
}

// prove checks a password. Who has logged in and fails at another stays who he was, as in Redis.
func (c *client) prove(by, user, pass string) *caucus.Error {
	who, err := c.s.cfg.Guard.LogIn(c.ctx, waist.Attempt{User: user, Password: pass, By: by, About: c.describe})
	if err != nil {
		if err.Word == caucus.ErrWrongPass.Word {
			c.s.grumble.Warn("a log-in failed", "from", c.conn.RemoteAddr(), "user", fmt.Sprintf("%.64q", user))
		}
		return err
	}
	c.be(who, true)
	c.talk.As(who.User)
	c.watchEntrance()
	return nil
}

// hello answers HELLO [protover [AUTH user pass] [SETNAME name]]. When an option is wrong, a password before
// it has been proven all the same, as in Redis.
func (c *client) hello(cmd caucus.Command) caucus.Reply {
	proto, name, named := c.proto, "", false
	if len(cmd) > 1 {
		n, err := strconv.Atoi(cmd[1])
		switch {
		case err != nil:
			return caucus.Fail(caucus.ErrBad, "Protocol version is not an integer or out of range")
		case n != 2 && n != 3:
			return caucus.Fail(caucus.ErrNoProto, "unsupported protocol version")
		}
		proto = n
	}
	for i := 2; i < len(cmd); {
		switch {
		case strings.EqualFold(cmd[i], "AUTH") && i+2 < len(cmd):
			if err := c.prove("HELLO", cmd[i+1], cmd[i+2]); err != nil {
				return caucus.ErrorReply(err)
			}
			i += 3
		case strings.EqualFold(cmd[i], "SETNAME") && i+1 < len(cmd):
			if !validName(cmd[i+1]) {
				return badName()
			}
			name, named = cmd[i+1], true
			i += 2
		default:
			return caucus.Fail(caucus.ErrBad, "Syntax error in HELLO option '%.64s'", cmd[i])
		}
	}
	if !c.proven {
		return caucus.Fail(caucus.ErrNoAuth, "HELLO must be called with the client already authenticated, "+
			"otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and "+
			"select the RESP protocol version at the same time")
	}
	c.gate.Lock()
	defer c.gate.Unlock()
	if c.proto = proto; proto != 3 {
		c.stopTracking()
	}
	if named {
		c.name = strings.Clone(name)
	}
	return c.greeting()
}

func (c *client) greeting() caucus.Reply {
	role := "master"
	if r := c.s.cfg.Server.Local(c.ctx, caucus.Command{"ROLE"}); len(r.Items) > 0 && r.Items[0].Str != "master" {
		role = "replica"
	}
	return caucus.Map(
		caucus.Bulk("server"), caucus.Bulk("redis"),
		caucus.Bulk("version"), caucus.Bulk(c.s.cfg.RedisVersion),
		caucus.Bulk("proto"), caucus.Int(int64(c.proto)),
		caucus.Bulk("id"), caucus.Int(int64(c.id)),
		caucus.Bulk("mode"), caucus.Bulk("cluster"),
		caucus.Bulk("role"), caucus.Bulk(role),
		caucus.Bulk("modules"), caucus.Array())
}

// validName says whether a name can stand in CLIENT LIST: no spaces, line breaks or other bytes that are not
// plain ASCII.
func validName(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '!' || r > '~' }) < 0
}

func badName() caucus.Reply {
	return caucus.Fail(caucus.ErrBad, "Client names cannot contain spaces, newlines or special characters.")
}
