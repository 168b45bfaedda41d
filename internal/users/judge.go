package users

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/waist"
)

// Refusal is why a user may not have a command carried out.
type Refusal struct {
	What string        // "command", "key" or "channel"
	Name string        // of that
	Err  *caucus.Error // as its client is told, who learns nothing of whether a key is there
}

func refuse(what, name string) *Refusal {
	if what == "command" {
		return &Refusal{what, name,
			caucus.Errorf(caucus.ErrNoPerm, "this user has no permissions to run the '%s' command", name)}
	}
	return &Refusal{what, name, caucus.Errorf(caucus.ErrNoPerm,
		"this user has no permissions to access one of the %ss used as arguments", what)}
}

// DryRun says what Judge would, in the words of ACL DRYRUN, "" when nothing is refused.
func (u *User) DryRun(s *command.Spec, cmd caucus.Command) string {
	r := u.Judge(s, cmd)
	switch {
	case r == nil:
		return ""
	case r.What == "command":
		return "This user has no permissions to run the '" + r.Name + "' command"
	}
	return "This user has no permissions to access the '" + r.Name + "' " + r.What
}

// Judge says why the user may not have a command of a row carried out, nil when he may.
func (u *User) Judge(s *command.Spec, cmd caucus.Command) (why *Refusal) {
	if !s.Has(command.NoAuth) && !u.runs(s) {
		return refuse("command", s.Name)
	}
	if pattern, roams := s.Roams(cmd); roams && !u.roams(pattern) {
		return refuse("key", pattern)
	}
	s.Touches(cmd, func(key string, how command.Access) bool {
		if !u.touches(key, how) {
			why = refuse("key", key)
		}
		return why == nil
	})
	if why != nil {
		return why
	}
	channels, patterns := s.Channels(cmd)
	for _, channel := range channels {
		if !u.hears(channel, patterns) {
			return refuse("channel", channel)
		}
	}
	return nil
}

// runs says whether the rules about commands allow one. The last that speaks of it decides.
func (u *User) runs(s *command.Spec) bool {
	for _, rule := range slices.Backward(u.commands) {
		if rule.fits(s) {
			return rule.allow
		}
	}
	return false
}

func (c commandRule) fits(s *command.Spec) bool {
	if strings.HasPrefix(c.what, "@") {
		return s.In(c.what)
	}
	rest, ok := strings.CutPrefix(s.Name, c.what)
	return ok && (rest == "" || rest[0] == '|')
}

// touches says whether one rule lets the user do all that with a key.
func (u *User) touches(key string, how command.Access) bool {
	for _, k := range u.keys {
		allows := (how&command.Reads == 0 || k.reads) && (how&command.Alters == 0 || k.alters)
		if allows && k.matcher.Match(key) {
			return true
		}
	}
	return false
}

// roams says whether the user may read all keys that match a pattern: those of one that he was given, or all.
func (u *User) roams(pattern string) bool {
	return slices.ContainsFunc(u.keys, func(k keyRule) bool {
		return k.reads && (k.pattern == "*" || k.pattern == pattern)
	})
}

// hears says whether the user may listen to a channel, or speak to it. A pattern must be just one that he was
// given. A member's channel belongs to that of its group.
func (u *User) hears(channel string, pattern bool) bool {
	group, private := strings.CutPrefix(channel, waist.PrivateChannels)
	if private && !pattern {
		group, _, _ = strings.Cut(group, ":")
		channel = caucus.EventChannel(group)
	}
	return slices.ContainsFunc(u.channels, func(allowed channelRule) bool {
		return allowed.pattern == "*" || allowed.pattern == channel || !pattern && allowed.matcher.Match(channel)
	})
}

// Judge says why a user may not have a command of a row carried out, nil when he may. While nobody is set,
// that costs the default user nothing; whoever else speaks was deleted.
func (b *Book) Judge(name string, s *command.Spec, cmd caucus.Command) *Refusal {
	if name == "" && len(b.Listed()) == 0 {
		return nil
	}
	if u := b.Find(name); u != nil {
		return u.Judge(s, cmd)
	}
	return &Refusal{"command", s.Name, errGone}
}

// May is Judge for who wants no more than its error.
func (b *Book) May(name string, s *command.Spec, cmd caucus.Command) *caucus.Error {
	if r := b.Judge(name, s, cmd); r != nil {
		return r.Err
	}
	return nil
}

var errGone = caucus.Errorf(caucus.ErrNoPerm, "the user was deleted; log in as another")
