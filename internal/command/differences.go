package command

import "strings"

// Difference is a reason for which replies are not those of Redis, byte for byte. The differential test
// compares what it concerns in another way, by the reason's name; all else must be the same.
type Difference struct {
	Name     string
	Why      string   // a sentence
	Commands []string // whose replies it concerns, as their rows are called; "*|help" is that of every container
}

// Differences lists them all.
func Differences() []Difference {
	return []Difference{
		{"order",
			"What Redis gives in the order of its hash tables comes sorted by bytes, so that all nodes answer alike.",
			[]string{"keys", "hgetall", "hkeys", "hvals", "smembers", "sinter", "sunion", "sdiff"}},
		{"random", "What is drawn at random is drawn otherwise.",
			[]string{"randomkey", "hrandfield", "srandmember", "spop", "zrandmember"}},
		{"cursor",
			"A cursor is a place in an order that is the same on all nodes, and a step may hold more or fewer.",
			[]string{"scan", "hscan", "sscan", "zscan"}},
		{"clock", "Time is that of the ensemble's clock, which is not Redis' to the millisecond.",
			[]string{"time", "ttl", "pttl", "expiretime", "pexpiretime"}},
		{"encoding",
			"There are no encodings: what is named is what Redis would have chosen for the value as it is, " +
				"however it came to be.", []string{"object|encoding"}},
		{"objects", "Values are not shared, and accesses are not noted.",
			[]string{"object|refcount", "object|idletime"}},
		{"memory", "Memory is counted in the way that the limit on it goes by, which is alike on all nodes.",
			[]string{"memory|usage"}},
		{"table", "It tells of the commands that there are here.",
			[]string{"command", "command|count", "command|docs", "command|info", "command|list"}},
		{"help", "It is written in other words.", []string{"*|help"}},
		{"over", "Redis counts a key that was over when it was set until it comes across it.", []string{"dbsize"}},
		{"local", "Redis knows it in clusters only; here it lets a connection read what its node has.",
			[]string{"readonly", "readwrite"}},
		{"watch",
			"It answers nil also when a watched key that was absent may have existed meanwhile, which is not known " +
				"after a FLUSHALL or more than 65,536 removals.", []string{"exec"}},
		{"text", "The error says more, or less, behind the same words.", []string{"config|set", "debug"}},
		{"name", "It says which server answers.", []string{"hello"}},
	}
}

// Differs gives the name of the reason for which the replies of a command may not be those of Redis, "" when
// there is none.
func Differs(name string) string {
	container, sub, _ := strings.Cut(name, "|")
	for _, d := range Differences() {
		for _, n := range d.Commands {
			if n == name || n == "*|help" && sub == "help" && container != "" {
				return d.Name
			}
		}
	}
	return ""
}

// Ours says whether the command is none of Redis'.
func (s *Spec) Ours() bool { return strings.HasPrefix(s.Since, "caucus") || s.IsCustom() }
