package differential

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// generator draws a command of one row of the table.
type generator func(d *draw) step

// generators are those of all commands that Redis has too and that are answered from the state or by the
// conversation, by the names of their rows.
func generators() map[string]generator {
	all := map[string]generator{}
	for _, family := range []map[string]generator{
		textGenerators(), keyGenerators(), expiryGenerators(), connectionGenerators(), transactionGenerators(),
		hashGenerators(), listGenerators(), poppingGenerators(), setGenerators(), zsetGenerators(),
		zrangeGenerators(),
		zstoreGenerators(),
	} {
		maps.Copy(all, family)
	}
	return all
}

// rarely are those that would empty or interrupt everything again and again.
var rarely = map[string]bool{"flushall": true, "flushdb": true, "reset": true, "command": true,
	"discard":      true,
	"command|docs": true, "command|info": true, "command|list": true, "command|count": true, "config|set": true}

// round draws so many steps of those commands that both sides have, and then looks at all keys.
func (d *draw) round(gens map[string]generator, steps int) []step {
	names := slices.Sorted(maps.Keys(gens))
	all := make([]step, 0, steps+3*len(allKeys()))
	for len(all) < steps {
		name := names[d.IntN(len(names))]
		if rarely[name] && !d.chance(8) || name[0] == 'b' && !d.chance(40) { // what waits takes its time
			continue
		}
		s := gens[name](d)
		if len(s) == 1 && !strings.HasPrefix(name, "b") && name != "config|set" {
			s[0] = d.spoil(s[0])
		}
		if all = append(all, s); d.chance(3) {
			all = append(all, one("EXEC"))
		}
	}
	return append(append(all, one("EXEC")), d.look(gens)...)
}

// look reads every key in full.
func (d *draw) look(gens map[string]generator) (all []step) {
	for _, key := range allKeys() {
		all = append(all, one("TYPE", key), one("PEXPIRETIME", key), one("GET", key))
		for name, read := range map[string]step{"hgetall": one("HGETALL", key), "lrange": one("LRANGE", key, "0",
			"-1"),
			"smembers": one("SMEMBERS", key), "zrange": one("ZRANGE", key, "0", "-1", "WITHSCORES")} {
			if gens[name] != nil {
				all = append(all, read)
			}
		}
	}
	return append(all, one("KEYS", "*"), one("DBSIZE"))
}

// known leaves those generators whose commands are in the table.
func known(gens map[string]generator) map[string]generator {
	table := map[string]bool{}
	for _, row := range command.New().All() {
		table[row.Name] = true
	}
	maps.DeleteFunc(gens, func(name string, _ generator) bool { return !table[name] })
	return gens
}

// absent are the containers that a redis-server which is alone does not have, and what would change for whom
// it is that speaks; tests/doors has scripts for them, and TestDryRunIsLikeRedis is about users.
var absent = []string{"cluster", "sentinel", "acl"}

// TestEveryCommandIsDrawn holds the generators against the table.
func TestEveryCommandIsDrawn(t *testing.T) {
	gens := generators()
	for _, row := range command.New().All() {
		container, _, _ := strings.Cut(row.Name, "|")
		if slices.Contains(absent, container) {
			continue
		}
		if (row.Home == command.Machine || row.Home == command.Talk) && !row.Ours() && gens[row.Name] == nil {
			t.Errorf("%s has no generator", row.Name)
		}
	}
}

// TestGeneratorsDrawTheirOwn looks whether each draws the command under whose name it stands, and whether
// every kind of mistake keeps its name.
func TestGeneratorsDrawTheirOwn(t *testing.T) {
	for name, gen := range generators() {
		said := false
		for round := range uint64(20) {
			for _, cmd := range gen(newDraw(1, round, 2)) {
				said = said || strings.EqualFold(words(name, cmd), name)
			}
		}
		if !said {
			t.Errorf("the generator of %s draws something else", name)
		}
	}
}

// words gives as much of a command as the name of a row has.
func words(name string, cmd caucus.Command) string {
	n := min(1+strings.Count(name, "|"), len(cmd))
	return strings.Join(cmd[:n], "|")
}
