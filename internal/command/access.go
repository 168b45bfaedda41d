package command

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// Access is what a command does with a key.
type Access uint8

// The ways. A write that answers from what was there does both. What only looks whether something is there,
// or how much of it, does neither: for that any right to the key is enough.
const (
	Reads  Access = 1 << iota // it answers from what the key holds
	Alters                    // it changes what the key holds
)

// Touches gives the keys among the arguments of a command of this row, and what it does with each, until do
// says no. Whether Redis asks for the right to read or to write follows from its key specifications.
func (s *Spec) Touches(cmd caucus.Command, do func(key string, how Access) bool) {
	if s.First == 0 && s.Counted == 0 {
		return
	}
	first, rest := s.access(cmd)
	for i, key := range s.Keys(cmd) {
		how := rest
		if i == 0 {
			how = first
		}
		if !do(key, how) {
			return
		}
	}
	if s.Name == "sort" {
		for _, key := range follow(cmd, 2, "STORE") {
			if !do(key, Alters) {
				return
			}
		}
	}
}

// access says what is done with the first key, and with the others.
func (s *Spec) access(cmd caucus.Command) (first, rest Access) {
	switch {
	case slices.Contains(looks, s.Name):
		return 0, 0
	case !s.Writes():
		return Reads, Reads
	case s.IsCustom():
		return Reads | Alters, Reads | Alters
	case s.Name == "set":
		for _, option := range cmd[3:] {
			if strings.EqualFold(option, "GET") {
				return Reads | Alters, Alters
			}
		}
	}
	switch accessOf[s.Name] {
	case readsAndAlters:
		return Reads | Alters, Reads | Alters
	case altersFromRest:
		return Alters, Reads
	case readsToRest:
		return Reads, Alters
	case takesToRest:
		return Reads | Alters, Alters
	}
	return Alters, Alters
}

// follow gives the arguments that come after a word, from the nth on. A word may be the value of an option;
// so it is more than is meant, if anything, that a user is asked the right to.
func follow(cmd caucus.Command, n int, word string) []string {
	var all []string
	for i := n; i+1 < len(cmd); i++ {
		if strings.EqualFold(cmd[i], word) {
			all = append(all, cmd[i+1])
		}
	}
	return all
}

// Roams says whether the command reads keys that its arguments do not name: SORT by other keys, CHANGES of
// all that match a pattern, CLIENT TRACKING of all that begin so. Then only who may read all keys may say it;
// or, but for SORT, who was given just that pattern.
func (s *Spec) Roams(cmd caucus.Command) (pattern string, roams bool) {
	switch s.Name {
	case "sort", "sort_ro":
		for _, pattern := range slices.Concat(follow(cmd, 2, "BY"), follow(cmd, 2, "GET")) {
			roams = roams || strings.Contains(pattern, "*") // without a star it names no key
		}
		return "*", roams
	case "client|tracking":
		broad := func(word string) bool { return strings.EqualFold(word, "BCAST") }
		if !slices.ContainsFunc(cmd[3:], broad) {
			return "", false
		}
		if prefixes := follow(cmd, 3, "PREFIX"); len(prefixes) == 1 {
			return prefixes[0] + "*", true
		}
		return "*", true
	case "changes":
		if patterns := follow(cmd, 1, "MATCH"); len(patterns) == 1 {
			return patterns[0], true
		}
		return "*", true
	}
	return "", false
}

// looks are the commands that only look whether something is there, or how much.
var looks = strings.Fields("exists hexists hlen hstrlen llen memory|usage object|encoding object|freq " +
	"object|idletime object|refcount scard sismember strlen touch type watch zcard")

// How the writes do it that do not only alter their keys.
const (
	readsAndAlters = iota + 1
	altersFromRest // what the others hold goes into the first
	readsToRest    // what the first holds goes into the others
	takesToRest    // and is gone from it
)

var accessOf = accesses(map[int]string{
	readsAndAlters: "blmpop blpop brpop bzmpop bzpopmax bzpopmin decr decrby getdel getex getset hincrby " +
		"hincrbyfloat incr incrby incrbyfloat lmpop lpop rpop spop zincrby zmpop zpopmax zpopmin",
	altersFromRest: "sdiffstore sinterstore sunionstore zdiffstore zinterstore zunionstore zrangestore",
	readsToRest:    "copy sort",
	takesToRest:    "blmove brpoplpush lmove rename renamenx rpoplpush smove",
})

func accesses(of map[int]string) map[string]int {
	all := map[string]int{}
	for how, commands := range of {
		for _, name := range strings.Fields(commands) {
			all[name] = how
		}
	}
	return all
}

// Channels gives the channels that a command speaks to or listens to. What is about a group is about its
// channel (caucus.EventChannel), a lock being a group. Patterns says that they are patterns.
func (s *Spec) Channels(cmd caucus.Command) (channels []string, patterns bool) {
	switch s.Name {
	case "publish":
		return cmd[1:2], false
	case "subscribe", "psubscribe":
		return cmd[1:], s.Name == "psubscribe"
	case "group|list":
		return nil, false
	case "lock|acquire", "lock|release":
		return []string{caucus.EventChannel(caucus.LockGroup(cmd[2]))}, false
	case "guard":
		return []string{caucus.EventChannel(cmd[1])}, false
	}
	if (s.Group == "group" || s.Group == "vote") && !s.Helps() {
		return []string{caucus.EventChannel(cmd[2])}, false
	}
	return nil, false
}
