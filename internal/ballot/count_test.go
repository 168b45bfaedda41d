package ballot_test

import (
	"fmt"
	"testing"

	"github.com/caucus-project/caucus/internal/ballot"
	"pgregory.net/rapid"
)

// What is decided by how many, one line per case: kind, electorate, what happened, outcome. In what happened
// y and n are votes, g somebody who departs without one, Y and N somebody who departs after such a vote.
func TestB14_Outcome(t *testing.T) {
	for _, c := range []struct {
		kind       ballot.Kind
		electorate int
		happened   string
		want       ballot.Outcome
	}{
		{ballot.Majority, 1, "", ballot.Open},
		{ballot.Majority, 1, "y", ballot.Yes},
		{ballot.Majority, 1, "n", ballot.No},
		{ballot.Majority, 2, "y", ballot.Open},
		{ballot.Majority, 2, "n", ballot.No},
		{ballot.Majority, 3, "yy", ballot.Yes},
		{ballot.Majority, 3, "ny", ballot.Open},
		{ballot.Majority, 3, "nn", ballot.No},
		{ballot.Majority, 4, "yynn", ballot.No},
		{ballot.Majority, 5, "ggyy", ballot.Open},
		{ballot.Majority, 5, "ggg", ballot.No},
		{ballot.Majority, 5, "yyYg", ballot.Open},
		{ballot.Majority, 5, "yyYgn", ballot.No},
		{ballot.Consensus, 3, "yy", ballot.Open},
		{ballot.Consensus, 3, "yyy", ballot.Yes},
		{ballot.Consensus, 3, "n", ballot.No},
		{ballot.Consensus, 3, "g", ballot.No},
		{ballot.Consensus, 3, "Y", ballot.No},
		{ballot.Consensus, 3, "N", ballot.No},
		{ballot.Consensus, 0, "", ballot.No},
		{ballot.Majority, 0, "", ballot.No},
	} {
		count := ballot.Count{Kind: c.kind, Electorate: c.electorate}
		for _, what := range c.happened {
			switch what {
			case 'y', 'n':
				count.Cast(what == 'y')
			case 'g':
				count.Depart(false, false)
			case 'Y', 'N':
				count.Cast(what == 'Y')
				count.Depart(true, what == 'Y')
			}
		}
		if got := count.Outcome(); got != c.want {
			t.Errorf("%v of %d after %q: %v, want %v", c.kind, c.electorate, c.happened, got, c.want)
		}
	}
}

// voter is one of the electorate of the naive model.
type voter struct{ voted, yes, gone bool }

// naive finds the outcome by trying all ways in which those who are left may vote.
func naive(kind ballot.Kind, voters []voter) ballot.Outcome {
	agreed := func(mask int) bool {
		said, open := 0, 0
		for _, v := range voters {
			switch {
			case v.gone:
			case v.voted && v.yes:
				said++
			case !v.voted:
				if mask>>open&1 == 1 {
					said++
				}
				open++
			}
		}
		if kind == ballot.Consensus {
			return said == len(voters)
		}
		return 2*said > len(voters)
	}
	open := 0
	for _, v := range voters {
		if !v.voted && !v.gone {
			open++
		}
	}
	ways := 0
	for mask := range 1 << open {
		if agreed(mask) {
			ways++
		}
	}
	switch ways {
	case 0:
		return ballot.No
	case 1 << open:
		return ballot.Yes
	}
	return ballot.Open
}

// A poll is decided exactly when no way of voting on can change it any more.
func TestB14_DecidedAsSoonAsItCannotChange(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		kind := rapid.SampledFrom([]ballot.Kind{ballot.Majority, ballot.Consensus}).Draw(r, "kind")
		voters := make([]voter, rapid.IntRange(1, 7).Draw(r, "electorate"))
		count := ballot.Count{Kind: kind, Electorate: len(voters)}
		for range rapid.IntRange(0, 14).Draw(r, "length") {
			if count.Outcome() != ballot.Open {
				return // it has ended, and nothing counts any more
			}
			v := &voters[rapid.IntRange(0, len(voters)-1).Draw(r, "who")]
			switch what := rapid.IntRange(0, 2).Draw(r, "what"); {
			case v.gone:
			case what == 2:
				v.gone = true
				count.Depart(v.voted, v.yes)
			case !v.voted:
				v.voted, v.yes = true, what == 1
				count.Cast(v.yes)
			}
			if got, want := count.Outcome(), naive(kind, voters); got != want {
				r.Fatalf("%v of %+v: %v, want %v", kind, voters, got, want)
			}
		}
	})
}

func TestWords(t *testing.T) {
	got := fmt.Sprint(ballot.Majority, ballot.Consensus, ballot.Open, ballot.Yes, ballot.No, ballot.Timeout)
	if want := "majority consensus open yes no timeout"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
