package history_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
	"github.com/redis/go-redis/v9"
)

// judged compares what a checker finds with what is wrong, "" when nothing is.
func judged(t *testing.T, name string, v history.Verdict, wrong string) {
	t.Helper()
	switch {
	case wrong == "" && len(v.Wrong)+len(v.Unknown) > 0:
		t.Errorf("%s: a good history is judged %q, unknown %q", name, v.Wrong, v.Unknown)
	case wrong != "" && !strings.Contains(strings.Join(v.Wrong, "\n"), wrong):
		t.Errorf("%s: found %q, not %q", name, v.Wrong, wrong)
	}
}

// call is a call from one moment to another.
func call(from, to int64) history.Call { return history.Call{Span: history.Span{From: from, To: to}} }

// ended is a call of which something else is known than that it was done.
func ended(from, to int64, fate history.Fate) history.Call {
	c := call(from, to)
	c.Fate = fate
	return c
}

func TestFateOf(t *testing.T) {
	reset := &net.OpError{Op: "read", Err: errors.New("reset")}
	for _, c := range []struct {
		err  error
		want history.Fate
	}{
		{nil, history.Done},
		{caucus.ErrTryAgain, history.Refused},
		{fmt.Errorf("so: %w", client.ErrFenced), history.Refused},
		{caucus.ErrUncertain, history.Uncertain},
		{caucus.ErrGap, history.Done},
		{reset, history.Uncertain},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, history.Refused},
		{errors.New("what?"), history.Uncertain},
		{redis.TxFailedErr, history.Refused},
		{redis.Nil, history.Refused},
	} {
		if got := history.FateOf(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	second := int64(time.Second)
	f := history.Count([]history.Call{call(1*second, 2*second), ended(2*second, 3*second, history.Uncertain),
		call(4*second, 5*second), ended(5*second, 9*second, history.Refused)}, history.Span{To: 9 * second})
	want := history.Figures{Done: 2, Refused: 1, Uncertain: 1, Silence: 4 * time.Second}
	if f != want {
		t.Errorf("%+v, want %+v", f, want)
	}
	const line = "4 operations: 2 done, 1 refused, 1 uncertain; longest silence 4s"
	if f.String() != line {
		t.Errorf("%q, want %q", f, line)
	}
}

func TestRegisters(t *testing.T) {
	type ops = []history.Register
	do := func(kind history.RegisterKind, seen, new string, c history.Call) history.Register {
		return history.Register{Call: c, Kind: kind, Key: "k", Seen: seen, New: new}
	}
	get := func(seen string, from, to int64) history.Register {
		return do(history.Get, seen, "", call(from, to))
	}
	set := func(new string, from, to int64) history.Register { return do(history.Set, "", new, call(from, to)) }
	lost := func(new string, from int64) history.Register {
		return do(history.Set, "", new, ended(from, from+1, history.Uncertain))
	}
	change := func(seen, new string, c history.Call) history.Register { return do(history.Change, seen, new, c) }
	const linearizable, written, twice = "is not linearizable", "holds what was not written", "was written twice"
	for name, c := range map[string]struct {
		ops   ops
		wrong string
	}{
		"nothing":                        {nil, ""},
		"what was written is read":       {ops{get("", 0, 1), set("a", 2, 3), get("a", 4, 5)}, ""},
		"a write is lost":                {ops{set("a", 2, 3), get("", 4, 5)}, linearizable},
		"a read is stale":                {ops{set("a", 1, 2), set("b", 3, 4), get("a", 5, 6)}, linearizable},
		"either may be first":            {ops{set("a", 1, 5), set("b", 2, 6), get("a", 7, 8)}, ""},
		"two read in two orders":         {ops{set("a", 1, 9), get("a", 2, 3), get("", 4, 5)}, linearizable},
		"an uncertain write is seen":     {ops{lost("b", 3), get("b", 9, 10), get("b", 11, 12)}, ""},
		"an uncertain write is not":      {ops{lost("b", 3), get("", 9, 10)}, ""},
		"an uncertain write comes late":  {ops{lost("b", 3), get("", 9, 10), get("b", 11, 12)}, ""},
		"an uncertain write goes":        {ops{lost("b", 3), get("b", 9, 10), get("", 11, 12)}, linearizable},
		"an uncertain write comes again": {ops{lost("b", 1), set("c", 3, 4), get("c", 5, 6), get("b", 7, 8)}, ""},
		"it was seen before, and comes": {ops{lost("b", 1), get("b", 3, 4), set("c", 5, 6), get("b", 7, 8)},
			linearizable},
		"a value out of nowhere":          {ops{set("a", 1, 2), get("x", 3, 4)}, written},
		"a value that is not yet written": {ops{get("a", 1, 2), set("a", 3, 4)}, written},
		"a refused write is seen": {ops{do(history.Set, "", "a", ended(1, 2, history.Refused)),
			get("a", 3, 4)}, written},
		"a refused write is not": {ops{do(history.Set, "", "a", ended(1, 2, history.Refused)), get("", 3, 4)}, ""},
		"one value, two writes":  {ops{set("a", 1, 2), set("a", 3, 4)}, twice},
		"a change":               {ops{set("a", 1, 2), change("a", "b", call(3, 4)), get("b", 5, 6)}, ""},
		"two change the same": {ops{set("a", 1, 2), change("a", "b", call(3, 6)),
			change("a", "c", call(4, 7))}, linearizable},
		"an uncertain change and another": {ops{set("a", 1, 2), change("a", "b", ended(3, 6, history.Uncertain)),
			change("a", "c", call(4, 7)), get("c", 8, 9)}, ""},
		"an uncertain change is seen and another": {ops{set("a", 1, 2),
			change("a", "b", ended(3, 6, history.Uncertain)), change("a", "c", call(4, 7)),
			get("b", 8, 9)}, linearizable},
		"an uncertain change of an uncertain write": {ops{lost("a", 1),
			change("a", "b", ended(3, 6, history.Uncertain)), get("b", 8, 9)}, ""},
		"a swap": {ops{set("a", 1, 2), do(history.Swap, "a", "b", call(3, 4)), get("b", 5, 6)},
			""},
		"a swap that saw the old": {ops{set("a", 1, 2), do(history.Swap, "", "b", call(3, 4))}, linearizable},
		"an uncertain swap": {ops{set("a", 1, 2), do(history.Swap, "", "b", ended(3, 4, history.Uncertain)),
			get("b", 5, 6)}, ""},
	} {
		judged(t, name, history.Registers(c.ops, time.Minute), c.wrong)
	}
	other := set("b", 3, 4)
	other.Key = "other"
	two := ops{set("a", 1, 2), other, get("a", 5, 6)}
	judged(t, "two keys are two registers", history.Registers(two, time.Minute), "")
}

// What cannot be decided in time is said to be unknown.
func TestRegistersInNoTime(t *testing.T) {
	var ops []history.Register
	for i := range 200 {
		ops = append(ops, history.Register{Call: call(0, 1000), Kind: history.Set, Key: "k", New: fmt.Sprint(i)},
			history.Register{Call: call(0, 1000), Kind: history.Get, Key: "k", Seen: fmt.Sprint(i)})
	}
	ops = append(ops, history.Register{Call: call(2000, 2001), Kind: history.Get, Key: "k", Seen: "7"},
		history.Register{Call: call(2002, 2003), Kind: history.Get, Key: "k", Seen: "8"})
	if v := history.Registers(ops, time.Millisecond); len(v.Unknown) != 1 || len(v.Wrong) != 0 {
		t.Errorf("%+v, want one that is unknown", v)
	}
}

func TestOnce(t *testing.T) {
	type list = []string
	entries := []history.Entry{{Call: call(1, 2), Word: "a"}, {Call: call(3, 6), Word: "b"},
		{Call: call(4, 5), Word: "c"}, {Call: ended(4, 5, history.Uncertain), Word: "u"},
		{Call: ended(4, 5, history.Refused), Word: "r"}}
	for _, c := range []struct {
		list  list
		wrong string
	}{
		{list{"a", "b", "c"}, ""},
		{list{"a", "c", "b", "u"}, ""},
		{list{"a", "u", "c", "b"}, ""},
		{list{"a", "b"}, `"c" was acknowledged, and is not there`},
		{list{"a", "b", "c", "a"}, `"a" is there twice`},
		{list{"a", "u", "u", "b", "c"}, `"u" is there twice`},
		{list{"a", "b", "c", "r"}, `"r" is there, which was refused`},
		{list{"a", "b", "c", "x"}, `"x" is there, which nobody wrote`},
		{list{"b", "a", "c"}, "b stands before a"},
		{list{"u", "a", "b", "c"}, "u stands before a"},
	} {
		judged(t, fmt.Sprint(c.list), history.Once(entries, c.list), c.wrong)
	}
}

func TestCounter(t *testing.T) {
	type adds = []history.Addition
	add := func(sum, from, to int64) history.Addition { return history.Addition{Call: call(from, to), Sum: sum} }
	lost := history.Addition{Call: ended(1, 2, history.Uncertain)}
	refused := history.Addition{Call: ended(1, 2, history.Refused)}
	read := func(sum, from, to int64) history.Reading {
		return history.Reading{Span: history.Span{From: from, To: to}, Sum: sum}
	}
	for name, c := range map[string]struct {
		adds  adds
		reads []history.Reading
		wrong string
	}{
		"all count":          {adds{add(1, 1, 2), add(2, 3, 4)}, []history.Reading{read(2, 5, 6)}, ""},
		"in the other order": {adds{add(2, 1, 4), add(1, 2, 3)}, []history.Reading{read(2, 5, 6)}, ""},
		"one is lost": {adds{add(1, 1, 2), add(2, 3, 4)}, []history.Reading{read(1, 5, 6)},
			"the sum at 5..6 was 1"},
		"one counts twice": {adds{add(1, 1, 2), add(2, 3, 4)}, []history.Reading{read(3, 5, 6)},
			"the sum at 5..6 was 3"},
		"a sum is given twice": {adds{add(1, 1, 9), add(1, 3, 4)}, nil, "1 was the sum"},
		"sums fall": {adds{add(2, 1, 4), add(3, 2, 5), add(1, 6, 9), add(4, 7, 9)}, nil,
			"the sum at 6..9 was 1"},
		"an uncertain one, or not": {adds{lost, add(1, 3, 4)}, []history.Reading{read(1, 5, 6), read(2, 7, 8)}, ""},
		"an uncertain one twice": {adds{lost, add(1, 3, 4)}, []history.Reading{read(3, 7, 8)},
			"the sum at 7..8 was 3"},
		"a refused one": {adds{refused, add(2, 3, 4)}, nil, "the sum at 3..4 was 2"},
		"readings fall": {adds{lost, lost}, []history.Reading{read(2, 5, 6), read(1, 7, 8)},
			"the sum at 7..8 was 1, and before"},
		"read too early": {adds{add(1, 5, 6)}, []history.Reading{read(1, 1, 2)}, "the sum at 1..2 was 1"},
	} {
		judged(t, name, history.Counter(c.adds, c.reads), c.wrong)
	}
}

func TestBank(t *testing.T) {
	type list = []string
	transfer := func(word, from, to string, amount int64, term uint64, c history.Call) history.Transfer {
		return history.Transfer{From: from, To: to, Amount: amount,
			Guarded: history.Guarded{Entry: history.Entry{Call: c, Word: word}, Term: term}}
	}
	transfers := []history.Transfer{
		transfer("t1", "a", "b", 4, 0, call(1, 2)), transfer("t2", "b", "a", 12, 7, call(3, 4)),
		transfer("t3", "a", "b", 1, 8, call(3, 6)),
		transfer("fenced", "a", "b", 1, 7, ended(5, 6, history.Refused)),
		transfer("huge", "a", "b", 99, 0, ended(3, 9, history.Uncertain)),
	}
	look := func(a, b int64, length int, from, to int64) history.Look {
		return history.Look{Span: history.Span{From: from, To: to}, Length: length,
			Balances: map[string]int64{"a": a, "b": b}}
	}
	for name, c := range map[string]struct {
		ledger list
		looks  []history.Look
		wrong  string
	}{
		"all is well": {list{"t1", "t2", "t3"}, []history.Look{look(17, 3, 3, 8, 9), look(6, 14, 1, 2, 4),
			look(10, 10, 0, 1, 1)}, ""},
		"a transfer is lost": {list{"t1", "t2"}, nil, `"t3" was acknowledged`},
		"a fenced one is there": {list{"t1", "t2", "t3", "fenced"}, nil,
			`"fenced" is there, which was refused`},
		"a term falls":             {list{"t1", "t3", "t2"}, nil, `"t2", under term 7, stands behind "t3"`},
		"somebody has not so much": {list{"t1", "huge", "t2", "t3"}, nil, "took 99 from a, which had 6"},
		"money is lost": {list{"t1", "t2", "t3"}, []history.Look{look(6, 10, 1, 2, 4)},
			"all accounts had 16, not 20"},
		"a transfer is written down only": {list{"t1", "t2", "t3"}, []history.Look{look(10, 10, 1, 2, 4)},
			"the ledger makes it"},
		"a look misses what is over": {list{"t1", "t2", "t3"}, []history.Look{look(10, 10, 0, 3, 4)},
			`"t1" was over at 2, and not seen`},
		"a look sees what has not begun": {list{"t1", "t2", "t3"}, []history.Look{look(18, 2, 2, 1, 2)},
			`"t2" was seen at 1..2, before`},
		"the ledger shrinks": {list{"t1", "t2", "t3"}, []history.Look{look(18, 2, 4, 8, 9)},
			"had 4 entries, and at the end 3"},
	} {
		start := map[string]int64{"a": 10, "b": 10}
		judged(t, name, history.Bank(start, transfers, c.looks, c.ledger), c.wrong)
	}
}

func TestFenced(t *testing.T) {
	type list = []string
	write := func(word string, term uint64) history.Guarded {
		return history.Guarded{Entry: history.Entry{Call: call(1, 2), Word: word}, Term: term}
	}
	entries := []history.Guarded{write("a", 3), write("b", 3), write("c", 5), write("free", 0)}
	judged(t, "terms rise", history.Fenced(entries, list{"free", "b", "a", "c"}), "")
	judged(t, "without a guard", history.Fenced(entries, list{"a", "b", "c", "free"}), "")
	judged(t, "a term falls", history.Fenced(entries, list{"a", "c", "b", "free"}),
		`"b", under term 3, stands behind "c"`)
	judged(t, "one is lost", history.Fenced(entries, list{"a", "c", "free"}), `"b" was acknowledged`)
}
