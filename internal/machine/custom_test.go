package machine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// made makes a custom command. Bounds are its least and most arguments; none are given, any number goes.
func made(name string, writes bool, run func(tx *machine.Tx, args []string) caucus.Reply,
	bounds ...int) machine.Custom {
	least, most := 0, -1
	if len(bounds) == 2 {
		least, most = bounds[0], bounds[1]
	}
	spec, err := command.Custom(name, writes, least, most)
	if err != nil {
		panic(err)
	}
	return machine.Custom{Spec: spec, Run: run}
}

// knowing gives a stage whose machine has these custom commands.
func knowing(t testing.TB, list ...machine.Custom) *bare {
	t.Helper()
	b := newBare(t)
	b.know(list...)
	return b
}

func (b *bare) know(list ...machine.Custom) {
	var specs []command.Spec
	for _, c := range list {
		specs = append(specs, c.Spec)
	}
	var err error
	if b.table, err = command.Extended(specs); err != nil {
		b.t.Fatal(err)
	}
	b.m.Know(b.table, list)
}

func setTwo(tx *machine.Tx, args []string) caucus.Reply {
	tx.Do("SET", "one", args[0], "EX", "5")
	tx.Do("SET", "two", args[0])
	return caucus.Bulk(args[0])
}

// fails lets a command do much, and then fail.
func fails(tx *machine.Tx, _ []string) caucus.Reply {
	tx.Do("SET", "one", "x", "PX", "1")
	tx.Do("SET", "new", "x", "EX", "100")
	tx.Do("DEL", "two")
	tx.Do("FLUSHALL")
	tx.Do("APPEND", "one", "y")
	return caucus.Fail(caucus.ErrBad, "no")
}

// SAFETY B8: WATCH sees what a custom command changes, and nothing that it took back.
func TestB8_WatchAndCustomCommands(t *testing.T) {
	b := knowing(t, made("app.set", true, setTwo), made("app.fail", true, fails))
	b.script("SET one 1; SET two 2")
	present, absent := b.watched("one", "two"), b.watched("new")
	b.script("app.fail")
	if !b.holds(present) || !b.holds(absent) {
		t.Error("a command that failed is seen")
	}
	b.script("app.set 3")
	if b.holds(present[:1]) || b.holds(present[1:]) {
		t.Error("what a command changed is not seen")
	}
}

// A command that fails leaves the state as it was, byte for byte: revisions, ends and what falls due too.
func TestFailedCustomCommandChangesNothing(t *testing.T) {
	state := func(line string) string {
		b := knowing(t, made("app.fail", true, fails), made("app.panic", true,
			func(tx *machine.Tx, args []string) caucus.Reply { fails(tx, args); panic("no") }))
		b.script("SET one 1 EX 50; SET two 2; DEL gone")
		b.script(line)
		stamp, _ := b.m.NextDeadline()
		b.script("SET three 3") // it gets the revision that is due
		view := b.m.View()
		sum, err := view.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x %d %+v", sum, stamp, b.m.Counts())
	}
	for _, line := range []string{"app.fail", "app.panic"} {
		if got, want := state(line), state("DEL nosuch"); got != want { // which is an entry that changes nothing
			t.Errorf("%s leaves %s, what changes nothing leaves %s", line, got, want)
		}
	}
}

// SAFETY B12: what a view shows stays while commands change the state and take it back.
func TestB12_ViewsAndCustomCommands(t *testing.T) {
	b := knowing(t, made("app.set", true, setTwo), made("app.fail", true, fails))
	b.script("app.set 1")
	view := b.m.View()
	before, _ := view.Digest()
	for i := range 100 {
		b.script(fmt.Sprintf("app.set %d; app.fail; SET k%d x; app.fail", i, i))
	}
	if after, _ := view.Digest(); after != before {
		t.Error("the view has changed")
	}
	if got := b.read(false, "MGET", "one", "two"); got.Items[0].Str != "99" || got.Items[1].Str != "99" {
		t.Errorf("the state has %+v", got)
	}
}

// The arguments are the function's own, and so is the transaction, until it returns.
func TestCustomCommandKeepsNothing(t *testing.T) {
	var kept *machine.Tx
	b := knowing(t, made("app.keep", true, func(tx *machine.Tx, args []string) caucus.Reply {
		kept, args[0] = tx, "scribble"
		return caucus.OK()
	}))
	args := caucus.Command{"app.keep", "word"}
	b.batch(entry.Op{Args: args})
	if reply := kept.Do("SET", "k", "v"); !strings.Contains(reply.Str, "has ended") {
		t.Errorf("a transaction that is over answers %+v", reply)
	}
	if got := b.read(false, "EXISTS", "k"); got.Int != 0 || args[1] != "word" {
		t.Errorf("it has changed %d, %q", got.Int, args)
	}
}

// The time in a transaction is the entry's, or the clock of who reads.
func TestCustomCommandTime(t *testing.T) {
	now := func(tx *machine.Tx, _ []string) caucus.Reply { return caucus.Int(tx.Now()) }
	b := knowing(t, made("app.logged", true, now), made("app.read", false, now))
	b.Advance(1234)
	if got, want := b.Do("a", caucus.Command{"app.logged"}).Int, int64((epoch0+1234)*1000); got != want {
		t.Errorf("in an entry it is %d, not %d", got, want)
	}
	op := &entry.Op{Args: caucus.Command{"app.read"}}
	if got := b.m.Read(op, 77, false, steps{}).Int; got != 77 {
		t.Errorf("in a read it is %d", got)
	}
}

// SAFETY B11: a local read hides what its own clock says is over, in a custom command too.
func TestB11_LocalReadsOfCustomCommands(t *testing.T) {
	b := knowing(t, made("app.get", false, func(tx *machine.Tx, args []string) caucus.Reply {
		return tx.Do("GET", args[0])
	}))
	b.script("SET k v PX 10")
	op := &entry.Op{Args: caucus.Command{"app.get", "k"}}
	for local, gone := range map[bool]bool{false: false, true: true} {
		if got := b.m.Read(op, (epoch0+20)*1000, local, steps{}); got.IsNil() != gone {
			t.Errorf("local: %v: %+v", local, got)
		}
	}
}

// SAFETY B13: a custom write counts as something that grows, and is refused whole.
func TestB13_CustomWritesGrow(t *testing.T) {
	b := knowing(t, made("app.set", true, setTwo), made("app.get", false, setTwo))
	b.script("SET k v; CONFIG SET maxmemory 1")
	if got := b.Do("c", caucus.Command{"app.set", "1"}); caucus.ParseError(got.Str).Word != "OOM" {
		t.Errorf("it answers %+v", got)
	}
	b.script("MULTI; DEL k; app.set 1")
	if got := b.Do("c", caucus.Command{"EXEC"}); caucus.ParseError(got.Str).Word != "EXECABORT" {
		t.Errorf("in a transaction it answers %+v", got)
	}
	for args, grows := range map[string]bool{"app.set 1": true, "app.get 1": false} {
		op := &entry.Op{Args: strings.Fields(args)}
		if b.m.Grows(op) != grows {
			t.Errorf("%s grows: %v", args, !grows)
		}
	}
}

// What is sent to a client, or kept under a number of ONCE, can be read there.
func TestRepliesOfCustomCommands(t *testing.T) {
	deep := func(n int) caucus.Reply {
		r := caucus.Int(1)
		for range n {
			r = caucus.Array(r)
		}
		return r
	}
	var reply caucus.Reply
	b := knowing(t, made("app.say", true, func(tx *machine.Tx, _ []string) caucus.Reply {
		tx.Do("INCR", "n")
		return reply
	}))
	b.script("SESSION OPEN")
	for i, c := range []struct {
		reply caucus.Reply
		good  bool
	}{
		{caucus.Nil(), true}, {caucus.NilArray(), true}, {caucus.Double(1.5), true}, {deep(7), true},
		{caucus.Map(caucus.Bulk("a\nb"), caucus.Int(1)), true},
		{caucus.Reply{Kind: caucus.KindVerbatim, Str: "x"}, true},
		{caucus.Array(caucus.Fail(caucus.ErrBad, "in it")), true},
		{deep(8), false}, {caucus.Push(caucus.Int(1)), false}, {caucus.Map(caucus.Int(1)), false},
		{caucus.Status("a\rb"), false}, {caucus.Array(caucus.Status("a\nb")), false},
		{caucus.Reply{Kind: caucus.KindError, Str: "ERR a\nb"}, false}, {caucus.Reply{Kind: 99}, false},
		{caucus.Array(caucus.Reply{Kind: 99}), false},
	} {
		reply = c.reply
		b.script("SET n 0")
		once := caucus.Command{"ONCE", fmt.Sprint(i + 1), "app.say"}
		first, again := b.Do("c", once), b.Do("c", once)
		if fmt.Sprint(first) != fmt.Sprint(again) {
			t.Errorf("%+v is kept as %+v", first, again)
		}
		n := b.read(false, "GET", "n").Text()
		if good := first.Kind != caucus.KindError; good != c.good || good != (n == "1") {
			t.Errorf("%+v is answered with %+v, and %s was changed", c.reply, first, n)
		}
	}
	reply = deep(7) // in the array of a transaction
	for range 2 {
		c := b.clients["c"]
		op := entry.Op{Session: c.session, Attach: c.attach, Once: 90, Args: caucus.Command{"EXEC"},
			Queue: []caucus.Command{{"app.say"}}}
		if got := b.batch(op)[0].Reply; got.Kind != caucus.KindArray {
			t.Errorf("a transaction answers %+v", got)
		}
	}
}

// A panic of the machine's own is not taken for one of the function.
func TestPanicOfTheMachineGoesOn(t *testing.T) {
	b := newBare(t)
	c := made("app.break", true, func(tx *machine.Tx, _ []string) caucus.Reply { return tx.Do("broken") })
	broken := made("broken", true, nil)
	broken.Spec.Group = "string" // it passes for a built-in command, and has no handler
	table, err := command.Extended([]command.Spec{c.Spec, broken.Spec})
	if err != nil {
		t.Fatal(err)
	}
	b.m.Know(table, []machine.Custom{c})
	defer func() {
		if recover() == nil {
			t.Error("it was hidden")
		}
	}()
	b.batch(entry.Op{Args: caucus.Command{"app.break"}})
}

// telling is a host that hears of panics.
type telling struct {
	steps
	heard []string
}

func (h *telling) Panicked(command string, with any) {
	h.heard = append(h.heard, fmt.Sprint(command, ": ", with))
}

func TestPanicsAreTold(t *testing.T) {
	boom := func(tx *machine.Tx, args []string) caucus.Reply { panic(args[3]) }
	b := knowing(t, made("app.boom", true, boom), made("app.look", false, boom))
	h := &telling{}
	e := &entry.Entry{Level: 1, Term: bareTerm, Batches: []entry.Batch{{Node: 1, Boot: entry.Boot{1},
		Number: b.number + 1, Ops: []entry.Op{{Args: caucus.Command{"app.boom"}}}}}}
	out, err := b.m.Apply(b.index+1, bareTerm, e, h)
	if err != nil || !strings.Contains(out.Batches[0].Results[0].Reply.Str, "'app.boom' panicked") {
		t.Errorf("%+v, %v", out, err)
	}
	b.m.Read(&entry.Op{Args: caucus.Command{"app.look"}}, 0, false, h)
	if len(h.heard) != 2 || !strings.Contains(h.heard[0], "app.boom: runtime error: index out of range") ||
		!strings.HasPrefix(h.heard[1], "app.look: ") {
		t.Errorf("heard %q", h.heard)
	}
}
