package history_test

import (
	"testing"

	"github.com/caucus-project/caucus/tests/chaos/history"
)

func TestExclusive(t *testing.T) {
	type list = []history.Belief
	held := func(holder string, token uint64, from, to int64) history.Belief {
		return history.Belief{Span: history.Span{From: from, To: to}, What: "lock", Holder: holder, Token: token}
	}
	other := held("b", 1, 2, 3)
	other.What = "another lock"
	for name, c := range map[string]struct {
		list  list
		wrong string
	}{
		"one after the other": {list{held("a", 1, 1, 4), held("b", 2, 5, 8), held("a", 3, 9, 10)}, ""},
		"two things":          {list{held("a", 1, 1, 4), other}, ""},
		"two at a time":       {list{held("a", 1, 1, 6), held("b", 2, 5, 8)}, "at one time"},
		"one within another": {list{held("a", 1, 1, 9), held("b", 2, 3, 4), held("c", 3, 10, 11)},
			"at one time"},
		"one look within another": {list{held("a", 1, 1, 9), held("b", 2, 4, 3)}, "at one time"},
		"one look at the edge":    {list{held("a", 1, 1, 4), held("b", 2, 6, 3)}, ""},
		"two terms of one holder": {list{held("a", 1, 1, 9), held("a", 2, 3, 12)}, "at one time"},
		"a token falls":           {list{held("a", 2, 1, 4), held("b", 1, 5, 8)}, "the token does not rise"},
		"a token is used again":   {list{held("a", 2, 1, 4), held("b", 2, 5, 8)}, "the token does not rise"},
		"it falls after the next": {list{held("a", 3, 1, 2), held("b", 5, 3, 4), held("c", 4, 5, 6)},
			"the token does not rise"},
		"tokens that tell nothing":  {list{held("a", 0, 1, 4), held("b", 0, 5, 8)}, ""},
		"the same holder once more": {list{held("a", 2, 1, 4), held("a", 2, 5, 8)}, ""},
	} {
		judged(t, name, history.Exclusive(c.list), c.wrong)
	}
}

func TestShares(t *testing.T) {
	type list = []history.Belief
	share := func(holder string, index, total int, epoch uint64, from, to int64) history.Belief {
		return history.Belief{Span: history.Span{From: from, To: to}, What: "g", Holder: holder, Token: epoch,
			Index: index, Total: total}
	}
	for name, c := range map[string]struct {
		list  list
		wrong string
	}{
		"all have their own": {list{share("a", 1, 2, 5, 1, 9), share("b", 2, 2, 5, 2, 8),
			share("a", 1, 3, 6, 10, 12)}, ""},
		"one share twice": {list{share("a", 1, 2, 5, 1, 9), share("b", 1, 2, 5, 2, 8)},
			"one share, two members"},
		"one after the other": {list{share("a", 1, 2, 5, 1, 3), share("b", 1, 2, 5, 5, 8)},
			"one share, two members"},
		"two settlings": {list{share("a", 1, 2, 5, 1, 9), share("b", 2, 2, 6, 8, 12)},
			"shares of two settlings"},
		"two totals": {list{share("a", 1, 2, 5, 1, 9), share("b", 2, 3, 5, 8, 12)},
			"one settling, two totals"},
		"an epoch falls":     {list{share("a", 1, 2, 5, 1, 4), share("b", 2, 2, 4, 8, 12)}, "the epoch falls"},
		"a share of nothing": {list{share("a", 3, 2, 5, 1, 4)}, "one share, two members, or none"},
	} {
		judged(t, name, history.Shares(c.list), c.wrong)
	}
}

func TestLed(t *testing.T) {
	type list = []history.Answer
	told := func(member string, term uint64, from, to int64) history.Answer {
		return history.Answer{Call: call(from, to), Group: "g", Member: member, Term: term}
	}
	for name, c := range map[string]struct {
		list  list
		wrong string
	}{
		"terms rise": {list{told("a", 3, 1, 2), told("a", 3, 3, 6), told("b", 5, 4, 5),
			told("a", 3, 3, 7)}, ""},
		"a term falls":   {list{told("b", 5, 1, 2), told("a", 3, 3, 4)}, "the term of g at 3..4 was 3, and before"},
		"a term has two": {list{told("a", 3, 1, 2), told("b", 3, 3, 4)}, "term 3 of g was led by a"},
	} {
		judged(t, name, history.Led(c.list), c.wrong)
	}
}
