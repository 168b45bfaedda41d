package users

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/glob"
)

// Default is the name of the user who speaks on a connection that has not logged in. Operations name him "".
const Default = "default"

// User is one user. It never changes and may be shared: With gives a changed one.
type User struct {
	Name   string
	On     bool     // nobody can log in as a user that is off
	NoPass bool     // any password will do
	Hashes []string // of passwords, each as ReadHash takes it

	commands []commandRule // in order: the last that fits decides
	keys     []keyRule
	channels []channelRule
}

// commandRule allows or forbids commands.
type commandRule struct {
	allow bool
	what  string // lower case: "@category", "command" with all below it, or "command|subcommand"
}

// keyRule allows keys.
type keyRule struct {
	reads, alters bool
	pattern       string
	matcher       *glob.Pattern // of the pattern
}

// all says whether the rule allows everything.
func (k *keyRule) all() bool { return k.reads && k.alters && k.pattern == "*" }

// channelRule allows channels.
type channelRule struct {
	pattern string
	matcher *glob.Pattern // of the pattern
}

func (u *User) allChannels() bool { return len(u.channels) == 1 && u.channels[0].pattern == "*" }

// New gives a user who may do nothing yet.
func New(name string) *User { return &User{Name: name} }

// NewDefault gives the default user as he is at first: he may do everything, without a password.
func NewDefault() *User {
	return &User{Name: Default, On: true, NoPass: true, commands: []commandRule{{true, "@all"}},
		keys:     []keyRule{{true, true, "*", glob.Compile("*")}},
		channels: []channelRule{{"*", glob.Compile("*")}}}
}

// ValidName says why a name cannot be that of a user, nil when it can. One that begins with a dot is not for
// people.
func ValidName(name string) *caucus.Error {
	switch {
	case strings.ContainsAny(name, " \x00"):
		return caucus.Errorf(caucus.ErrBad, "Usernames can't contain spaces or null characters")
	case !caucus.ValidMember(name) || name[0] == '.' || strings.Contains(name, ":"):
		return caucus.Errorf(caucus.ErrBad, "the name of a user is 1 to %d letters, digits and '._-/@', and does "+
			"not begin with '.'", caucus.MaxName)
	}
	return nil
}

// Rules gives rules that make a new user what this one is.
func (u *User) Rules() []string {
	rules := u.Flags()
	for _, h := range u.Hashes {
		rules = append(rules, "#"+h)
	}
	rules = append(rules, u.Keys()...)
	if !u.allChannels() {
		rules = append(rules, "resetchannels")
	}
	return append(append(rules, u.Channels()...), u.Commands()...)
}

// Flags gives "on" or "off", and "nopass" if it is so.
func (u *User) Flags() []string {
	flags := []string{"off"}
	if u.On {
		flags[0] = "on"
	}
	if u.NoPass {
		flags = append(flags, "nopass")
	}
	return flags
}

// Keys gives the rules about keys.
func (u *User) Keys() []string {
	var all []string
	for _, k := range u.keys {
		all = append(all, k.String())
	}
	return all
}

// String gives the rule as ACL SETUSER takes it.
func (k keyRule) String() string {
	switch {
	case k.reads && k.alters:
		return "~" + k.pattern
	case k.reads:
		return "%R~" + k.pattern
	}
	return "%W~" + k.pattern
}

// Channels gives the rules about channels.
func (u *User) Channels() []string {
	var all []string
	for _, c := range u.channels {
		all = append(all, "&"+c.pattern)
	}
	return all
}

// Commands gives the rules about commands, which begin with that about all.
func (u *User) Commands() []string {
	var all []string
	if len(u.commands) == 0 || u.commands[0] != (commandRule{true, "@all"}) {
		all = []string{"-@all"}
	}
	for _, c := range u.commands {
		all = append(all, c.String())
	}
	return all
}

// String gives the rule as ACL SETUSER takes it.
func (c commandRule) String() string {
	if c.allow {
		return "+" + c.what
	}
	return "-" + c.what
}

// String describes the user as ACL LIST does.
func (u *User) String() string { return "user " + u.Name + " " + strings.Join(u.Rules(), " ") }

// Secret says that nobody can log in as the user, or speak as him, without proving who he is.
func (u *User) Secret() bool { return !u.On || !u.NoPass }
