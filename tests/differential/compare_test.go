package differential

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/resp"
)

// alike says whether two replies to a command that are not the same are as good as the same.
type alike func(cmd caucus.Command, a, b caucus.Reply) bool

// alikes are the ways to compare, by the names of the reasons for which one may not compare bytes.
var alikes = map[string]alike{
	"order": func(cmd caucus.Command, a, b caucus.Reply) bool { return sameElements(width(cmd[0]), a, b) },
	"random": func(_ caucus.Command, a, b caucus.Reply) bool {
		return sameShape(a, b)
	},
	"cursor":   sameSteps,
	"clock":    func(cmd caucus.Command, a, b caucus.Reply) bool { return nearly(tolerance(cmd[0]), a, b) },
	"encoding": func(_ caucus.Command, a, b caucus.Reply) bool { return sameKind(a, b) },
	"objects":  func(_ caucus.Command, a, b caucus.Reply) bool { return sameKind(a, b) },
	"memory":   func(_ caucus.Command, a, b caucus.Reply) bool { return sameKind(a, b) },
	"table":    func(_ caucus.Command, a, b caucus.Reply) bool { return sameKind(a, b) },
	"help":     func(_ caucus.Command, a, b caucus.Reply) bool { return sameKind(a, b) },
	"local": func(_ caucus.Command, a, b caucus.Reply) bool {
		return strings.Contains(a.Str, "cluster support disabled") && b.Str == "OK"
	},
	"over":  func(_ caucus.Command, a, b caucus.Reply) bool { return sameKind(a, b) && a.Int > b.Int },
	"watch": func(caucus.Command, caucus.Reply, caucus.Reply) bool { return false }, // it is not drawn
	"text": func(_ caucus.Command, a, b caucus.Reply) bool {
		return a.Kind == caucus.KindError && b.Kind == caucus.KindError &&
			(strings.HasPrefix(a.Str, b.Str) || strings.HasPrefix(b.Str, a.Str))
	},
	"name": func(_ caucus.Command, a, b caucus.Reply) bool { return sameKind(a, b) },
}

// width says how many items of a reply belong together.
func width(command string) int {
	if strings.EqualFold(command, "HGETALL") {
		return 2
	}
	return 1
}

// sameElements says whether two replies have the same items, so many of which belong together, in any order.
func sameElements(width int, a, b caucus.Reply) bool {
	return sameShape(a, b) && a.Kind != caucus.KindError && slices.Equal(elements(width, a), elements(width, b))
}

func elements(width int, r caucus.Reply) []string {
	var all []string
	for i := 0; i < len(r.Items); i += width {
		var b []byte
		for _, it := range r.Items[i:min(i+width, len(r.Items))] {
			b = resp.Append(b, 3, it)
		}
		all = append(all, string(b))
	}
	slices.Sort(all)
	return all
}

// sameKind says that both are values of one sort. An error is only like one that says the same.
func sameKind(a, b caucus.Reply) bool {
	return a.Kind == b.Kind && (a.Kind != caucus.KindError || a.Str == b.Str)
}

func sameShape(a, b caucus.Reply) bool { return sameKind(a, b) && len(a.Items) == len(b.Items) }

// sameSteps compares two steps of a SCAN. Those that went through everything hold the same.
func sameSteps(cmd caucus.Command, a, b caucus.Reply) bool {
	if !sameShape(a, b) || len(a.Items) != 2 {
		return false
	}
	from := cmd[1]
	wide := 1
	if !strings.EqualFold(cmd[0], "SCAN") {
		from = cmd[2]
	}
	if c := strings.ToUpper(cmd[0]); c == "HSCAN" || c == "ZSCAN" {
		wide = 2
	}
	if from != "0" || a.Items[0].Str != "0" || b.Items[0].Str != "0" {
		return sameKind(a.Items[0], b.Items[0]) && sameKind(a.Items[1], b.Items[1])
	}
	return sameElements(wide, a.Items[1], b.Items[1])
}

// tolerance is by how much a time may differ, in its command's unit: ten seconds.
func tolerance(command string) int64 {
	if strings.EqualFold(command[:1], "P") {
		return 10_000
	}
	return 10
}

// nearly says whether two replies are times that differ by less than so much. What is below 0 is no time.
func nearly(most int64, a, b caucus.Reply) bool {
	switch {
	case !sameShape(a, b):
		return false
	case a.Kind == caucus.KindArray: // TIME
		return len(a.Items) == 2
	}
	off := a.Int - b.Int
	return a.Kind == caucus.KindInt && a.Int >= 0 && b.Int >= 0 && -most < off && off < most
}

// comparer goes through the replies of a connection. It knows what is queued in a transaction.
type comparer struct {
	table *command.Table
	queue []caucus.Command
}

// same says whether two replies to the next command are the same, or differ for a listed reason.
func (c *comparer) same(cmd caucus.Command, a, b string) bool {
	queue := c.note(cmd, a)
	if a == b {
		return true
	}
	if len(queue) == 0 {
		return c.excused(cmd, parse(a), parse(b))
	}
	x, y := parse(a), parse(b)
	if !sameShape(x, y) || len(x.Items) != len(queue) {
		return false
	}
	for i, cmd := range queue {
		if !reflect.DeepEqual(x.Items[i], y.Items[i]) && !c.excused(cmd, x.Items[i], y.Items[i]) {
			return false
		}
	}
	return true
}

// note follows a transaction, and gives what was queued when it ends with this command.
func (c *comparer) note(cmd caucus.Command, reply string) []caucus.Command {
	switch {
	case strings.EqualFold(cmd[0], "MULTI") && reply != "+OK\r\n": // within another
	case reply == "+QUEUED\r\n":
		c.queue = append(c.queue, cmd)
	case slices.ContainsFunc([]string{"EXEC", "DISCARD", "RESET", "MULTI"},
		func(w string) bool { return strings.EqualFold(w, cmd[0]) }):
		queue := c.queue
		c.queue = nil
		if strings.EqualFold(cmd[0], "EXEC") {
			return queue
		}
	}
	return nil
}

func (c *comparer) excused(cmd caucus.Command, a, b caucus.Reply) bool {
	name := strings.ToLower(cmd[0])
	if row, err := c.table.Lookup(cmd); err == nil {
		name = row.Name
	}
	like := alikes[command.Differs(name)]
	return like != nil && like(cmd, a, b)
}

func parse(raw string) caucus.Reply {
	reply, err := resp.NewReplyReader(strings.NewReader(raw), resp.Limits{}).Read()
	if err != nil {
		return caucus.Fail(caucus.ErrBad, "unreadable: %v", err)
	}
	return reply
}

// TestEveryReasonIsCompared holds the ways to compare against the listed reasons.
func TestEveryReasonIsCompared(t *testing.T) {
	listed := map[string]bool{}
	for _, d := range command.Differences() {
		if listed[d.Name] = true; alikes[d.Name] == nil {
			t.Errorf("replies that differ by %q are compared in no way", d.Name)
		}
		if !strings.HasSuffix(d.Why, ".") {
			t.Errorf("%s: %q is no sentence", d.Name, d.Why)
		}
	}
	for name := range alikes {
		if !listed[name] {
			t.Errorf("%q is no listed reason", name)
		}
	}
}

// TestReasonsExcuseNoMore holds each way to compare against replies that it must tell apart.
func TestReasonsExcuseNoMore(t *testing.T) {
	for _, c := range []struct {
		cmd  string
		a, b string
		want bool
	}{
		{"GET k", "$1\r\na\r\n", "$1\r\nb\r\n", false},
		{"NOSUCH k", "-ERR a\r\n", "-ERR b\r\n", false},
		{"KEYS *", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n$1\r\nb\r\n$1\r\na\r\n", true},
		{"KEYS *", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n$1\r\nb\r\n$1\r\nb\r\n", false},
		{"KEYS *", "*1\r\n$1\r\na\r\n", "*2\r\n$1\r\na\r\n$1\r\na\r\n", false},
		{"KEYS *", "-ERR a\r\n", "-ERR b\r\n", false},
		{"RANDOMKEY", "$1\r\na\r\n", "$1\r\nb\r\n", true},
		{"RANDOMKEY", "$1\r\na\r\n", "$-1\r\n", false},
		{"TTL k", ":100\r\n", ":109\r\n", true},
		{"TTL k", ":100\r\n", ":110\r\n", false},
		{"TTL k", ":-1\r\n", ":0\r\n", false},
		{"TTL k", ":-1\r\n", ":-2\r\n", false},
		{"PTTL k", ":100\r\n", ":110\r\n", true},
		{"SCAN 0", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n", false},
		{"SCAN 0", "*2\r\n$1\r\n7\r\n*1\r\n$1\r\na\r\n", "*2\r\n$1\r\n0\r\n*0\r\n", true},
		{"SCAN 0", "*2\r\n$1\r\n7\r\n*0\r\n", "-ERR invalid cursor\r\n", false},
		{"OBJECT ENCODING k", "$3\r\nraw\r\n", "$3\r\nint\r\n", true},
		{"OBJECT ENCODING k", "$3\r\nraw\r\n", "$-1\r\n", false},
	} {
		t.Run(c.cmd, func(t *testing.T) {
			cmp := comparer{table: command.New()}
			if got := cmp.same(strings.Fields(c.cmd), c.a, c.b); got != c.want {
				t.Errorf("%q and %q: %t", c.a, c.b, got)
			}
		})
	}
}

// TestTransactionsAreComparedOneByOne compares what EXEC answers by the commands that were queued.
func TestTransactionsAreComparedOneByOne(t *testing.T) {
	exec := func(a, b string) bool {
		c := comparer{table: command.New()}
		c.same(caucus.Command{"MULTI"}, "+OK\r\n", "+OK\r\n")
		c.same(caucus.Command{"TTL", "k"}, "+QUEUED\r\n", "+QUEUED\r\n")
		c.same(caucus.Command{"GET", "k"}, "+QUEUED\r\n", "+QUEUED\r\n")
		return c.same(caucus.Command{"exec"}, a, b)
	}
	const at100, at101 = "*2\r\n:100\r\n$1\r\na\r\n", "*2\r\n:101\r\n$1\r\na\r\n"
	if !exec(at100, at101) {
		t.Error("a second more is not excused")
	}
	for _, other := range []string{"*2\r\n:101\r\n$1\r\nb\r\n", "*-1\r\n", "*1\r\n:101\r\n",
		"*2\r\n:999\r\n$1\r\na\r\n"} {
		if exec(at100, other) {
			t.Errorf("%q is excused", other)
		}
	}
}
