package command

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// Categories gives the names of all categories, with "@", in order: those of Redis that have commands
// here, and the families of our own.
func (t *Table) Categories() []string {
	names := []string{}
	for _, s := range t.all {
		for _, name := range s.categories() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// In says whether the command is of a category, whose name begins with "@". Every command is in "@all".
func (s *Spec) In(category string) bool {
	return category == "@all" || slices.Contains(s.categories(), category)
}

// categories gives the groups of commands by which access is granted, as Redis has them.
func (s *Spec) categories() []string {
	if names := odd[s.Name]; names != nil {
		return names
	}
	if s.Helps() {
		return slow
	}
	names := slices.Clone(byGroup[s.Group])
	if names == nil {
		names = []string{"@" + s.Group}
	}
	for _, n := range []struct {
		flag Flags
		name string
	}{{Write, "@write"}, {ReadOnly, "@read"}, {Admin, "@admin"}, {Admin, "@dangerous"},
		{Blocking, "@blocking"}} {
		if s.Has(n.flag) {
			names = append(names, n.name)
		}
	}
	if s.Has(Fast) {
		return append(names, "@fast")
	}
	return append(names, "@slow")
}

var slow = []string{"@slow"}

// byGroup gives the categories of a group that is called otherwise in Redis, or has none there.
var byGroup = map[string][]string{"generic": {"@keyspace"}, "transactions": {"@transaction"},
	"sorted-set": {"@sortedset"}, "server": {}, "cluster": {}, "sentinel": {}}

// odd are the commands whose categories in Redis 7.0 do not follow from their row.
var odd = oddOnes(map[string]string{
	"cluster|replicas cluster|slaves latency|doctor latency|history latency|latest latency|reset " +
		"slowlog|get slowlog|len slowlog|reset config|set debug": "@admin @dangerous @slow",
	"command command|count command|docs command|getkeys command|info command|list command|help " +
		"client|help wait": "@connection @slow",
	"object|help": "@keyspace @slow",
	"acl|deluser acl|dryrun acl|getuser acl|list acl|users": "@admin @dangerous @slow",
	"dbsize":           "@keyspace @read @fast",
	"flushall flushdb": "@keyspace @write @dangerous @slow",
	"info":             "@dangerous @slow",
	"keys":             "@keyspace @read @dangerous @slow",
	"publish":          "@pubsub @fast",
	"role":             "@admin @dangerous @fast",
	"sort":             "@write @set @sortedset @list @dangerous @slow",
	"sort_ro":          "@read @set @sortedset @list @dangerous @slow",
})

func oddOnes(of map[string]string) map[string][]string {
	all := map[string][]string{}
	for commands, categories := range of {
		for _, name := range strings.Fields(commands) {
			all[name] = strings.Fields(categories)
		}
	}
	return all
}

// cat answers ACL CAT, without the "@" before the names.
func (t *Table) cat(of []string) caucus.Reply {
	var names []string
	if len(of) == 0 {
		for _, name := range t.Categories() {
			names = append(names, name[1:])
		}
		return caucus.Bulks(names...)
	}
	category := "@" + strings.ToLower(of[0])
	for _, s := range t.all {
		if s.In(category) {
			names = append(names, s.Name)
		}
	}
	if names == nil && !slices.Contains(Foreign, category) {
		return caucus.Fail(caucus.ErrBad, "Unknown category '%.64s'", of[0])
	}
	return caucus.Bulks(names...)
}

// Foreign are the categories of Redis of which there is no command here.
var Foreign = []string{"@bitmap", "@geo", "@hyperloglog", "@scripting", "@stream"}
