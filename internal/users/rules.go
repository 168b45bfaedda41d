package users

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/glob"
)

// most is how many rules of one kind, and passwords, a user may have.
const most = 1000

// With gives the user as rules in the syntax of ACL SETUSER make him, one after the other. Passwords come as
// hashes: #HASH adds one, !HASH takes one away; words that bring a password itself are refused. Whether there
// are such commands is for Check.
func (u *User) With(rules []string) (*User, *caucus.Error) {
	c := *u
	c.Hashes, c.commands = slices.Clone(u.Hashes), slices.Clone(u.commands)
	c.keys, c.channels = slices.Clone(u.keys), slices.Clone(u.channels)
	for _, rule := range rules {
		if why := c.apply(rule); why != "" {
			return nil, wrong(rule, why)
		}
		if max(len(c.Hashes), len(c.commands), len(c.keys), len(c.channels)) > most {
			return nil, caucus.Errorf(caucus.ErrBad, "a user has at most %d passwords, and rules of each kind", most)
		}
	}
	return &c, nil
}

func wrong(rule, why string) *caucus.Error {
	if rule != "" && strings.ContainsAny(rule[:1], "><#!") {
		rule = rule[:1] + "..." // a secret, or nearly so
	}
	return caucus.Errorf(caucus.ErrBad, "Error in ACL SETUSER modifier '%.64s': %s", rule, why)
}

// apply changes the user by one rule, or says why not.
func (u *User) apply(rule string) (why string) {
	switch strings.ToLower(rule) {
	case "on", "off":
		u.On = strings.EqualFold(rule, "on")
	case "nopass":
		u.NoPass, u.Hashes = true, nil
	case "resetpass":
		u.NoPass, u.Hashes = false, nil
	case "allkeys":
		return u.apply("~*")
	case "resetkeys":
		u.keys = nil
	case "allchannels":
		return u.apply("&*")
	case "resetchannels":
		u.channels = nil
	case "allcommands":
		return u.apply("+@all")
	case "nocommands":
		return u.apply("-@all")
	case "reset":
		*u = *New(u.Name)
	case "sanitize-payload", "skip-sanitize-payload", "clearselectors":
		// RESTORE and selectors do not exist here.
	default:
		return u.applyMarked(rule)
	}
	return ""
}

// applyMarked is apply for rules that begin with a sign.
func (u *User) applyMarked(rule string) (why string) {
	if rule == "" {
		return "Syntax error"
	}
	rest := rule[1:]
	switch rule[0] {
	case '#', '!':
		return u.applyHash(rule[0] == '#', rest)
	case '>', '<':
		return "a password came here as it is"
	case '~':
		return u.allowKeys(keyRule{reads: true, alters: true, pattern: rest})
	case '%':
		return u.applyAccess(rest)
	case '&':
		return u.allowChannels(rest)
	case '+', '-':
		if rest == "" || strings.ContainsAny(rest, " \x00") {
			return "Unknown command or category name in ACL"
		}
		u.command(commandRule{rule[0] == '+', strings.ToLower(rest)})
		return ""
	case '(':
		return "selectors are not supported: make a user for each set of rights"
	}
	return "Syntax error"
}

func (u *User) applyHash(add bool, hash string) (why string) {
	at := slices.Index(u.Hashes, hash)
	switch {
	case !add && at < 0:
		return "The password you are trying to remove from the user does not exist"
	case !add:
		u.Hashes = slices.Delete(u.Hashes, at, at+1)
	case ReadHash(hash) == nil:
		return "The password hash must be one of Argon2id, $argon2id$v=19$m=...,t=...,p=...$salt$hash, as " +
			"ACL LIST shows them here, and cost no more than this version spends on one"
	default:
		u.NoPass = false
		if at < 0 {
			u.Hashes = append(u.Hashes, hash)
		}
	}
	return ""
}

// applyAccess takes what follows a "%": R~pattern, W~pattern or RW~pattern.
func (u *User) applyAccess(rest string) (why string) {
	how, pattern, ok := strings.Cut(rest, "~")
	k := keyRule{pattern: pattern}
	for _, c := range strings.ToUpper(how) {
		switch c {
		case 'R':
			k.reads = true
		case 'W':
			k.alters = true
		default:
			return "Syntax error"
		}
	}
	if !ok || !k.reads && !k.alters {
		return "Syntax error"
	}
	return u.allowKeys(k)
}

func (u *User) allowKeys(k keyRule) (why string) {
	if why := badPattern(k.pattern); why != "" {
		return why
	}
	if slices.ContainsFunc(u.keys, func(old keyRule) bool { return old.all() }) {
		if k.all() {
			return ""
		}
		return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any " +
			"effect. Try 'resetkeys' to start with an empty list of patterns"
	}
	at := slices.IndexFunc(u.keys, func(old keyRule) bool { return old.pattern == k.pattern })
	if at >= 0 { // what may be read and what may be written comes together, as in Redis
		u.keys[at].reads, u.keys[at].alters = u.keys[at].reads || k.reads, u.keys[at].alters || k.alters
		k = u.keys[at]
	} else {
		k.matcher = glob.Compile(k.pattern)
		u.keys = append(u.keys, k)
	}
	if k.all() {
		u.keys = []keyRule{k}
	}
	return ""
}

func (u *User) allowChannels(pattern string) (why string) {
	if why := badPattern(pattern); why != "" {
		return why
	}
	switch {
	case pattern == "*":
		u.channels = nil
	case u.allChannels():
		return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not " +
			"have any effect. Try 'resetchannels' to start with an empty list of channels"
	case slices.ContainsFunc(u.channels, func(old channelRule) bool { return old.pattern == pattern }):
		return ""
	}
	u.channels = append(u.channels, channelRule{pattern, glob.Compile(pattern)})
	return ""
}

func badPattern(pattern string) (why string) {
	if strings.ContainsAny(pattern, " \x00") {
		return "Syntax error"
	}
	if err := glob.Check(pattern); err != nil {
		return err.Error()
	}
	return ""
}

// command adds a rule, which takes the place of those about the same.
func (u *User) command(c commandRule) {
	if c.what == "@all" {
		u.commands = nil
		if c.allow {
			u.commands = []commandRule{c}
		}
		return
	}
	u.commands = slices.DeleteFunc(u.commands, func(old commandRule) bool {
		return old.what == c.what || strings.HasPrefix(old.what, c.what+"|")
	})
	u.commands = append(u.commands, c)
}

// Check says which command or category that rules name does not exist, nil when all do.
func Check(t *command.Table, rules []string) *caucus.Error {
	for _, rule := range rules {
		if rule == "" || rule[0] != '+' && rule[0] != '-' {
			continue
		}
		what := strings.ToLower(rule[1:])
		known := t.Has(what)
		if strings.HasPrefix(what, "@") {
			known = what == "@all" || slices.Contains(t.Categories(), what) || slices.Contains(command.Foreign, what)
		}
		if !known {
			return wrong(rule, "Unknown command or category name in ACL")
		}
	}
	return nil
}

// Allowed gives the user with commands and categories that he may run as well.
func (u *User) Allowed(commands ...string) *User {
	c := *u
	c.commands = slices.Clone(u.commands)
	for _, what := range commands {
		c.command(commandRule{true, what})
	}
	return &c
}
