package history

import "fmt"

// Belief is a time through which somebody believed in something under one token. It was looked at now and
// then: From is when the first look that showed it was over, To when the last one began. Whoever believed at
// two moments under one token kept all others from it in between.
type Belief struct {
	Span
	What   string // the leadership of a group, a lock, a slot; for Shares a group
	Holder string
	Token  uint64 // a term or an epoch, 0 when there is none to compare
	Index  int    // of a share
	Total  int    // likewise
}

// String shows a belief.
func (b Belief) String() string {
	if b.Total > 0 {
		return fmt.Sprintf("%s in %d of %d of %s, epoch %d, %v", b.Holder, b.Index, b.Total, b.What, b.Token,
			b.Span)
	}
	return fmt.Sprintf("%s in %s, token %d, %v", b.Holder, b.What, b.Token, b.Span)
}

// both says that there was surely a moment at which both were believed in.
func both(a, b Belief) bool { return a.From <= b.To && b.From <= a.To }

// Exclusive says whether nobody believed in what another believed in at the same time, and tokens rose from
// one to the next.
func Exclusive(list []Belief) (v Verdict) {
	v.walk(list, func(b Belief, open []Belief, newest Belief) {
		for _, a := range open {
			if both(a, b) && (a.Holder != b.Holder || a.Token != b.Token) {
				v.wrong("at one time: %v; %v", a, b)
			}
		}
		if b.Token < newest.Token || b.Token == newest.Token && b.Token > 0 && b.Holder != newest.Holder {
			v.wrong("the token does not rise: %v; %v", newest, b)
		}
	})
	return v
}

// Shares says whether all that was believed in at the same time were shares of one settling, each of its own
// member.
func Shares(list []Belief) (v Verdict) {
	type share struct {
		group string
		epoch uint64
		index int
	}
	owner, totals := map[share]Belief{}, map[share]Belief{}
	v.walk(list, func(b Belief, open []Belief, newest Belief) {
		for _, a := range open {
			if both(a, b) && a.Token != b.Token {
				v.wrong("shares of two settlings at one time: %v; %v", a, b)
			}
		}
		if b.Token < newest.Token {
			v.wrong("the epoch falls: %v; %v", newest, b)
		}
		one := share{group: b.What, epoch: b.Token}
		if a, ok := totals[one]; ok && a.Total != b.Total {
			v.wrong("one settling, two totals: %v; %v", a, b)
		}
		totals[one] = b
		one.index = b.Index
		if a, ok := owner[one]; ok && a.Holder != b.Holder || b.Index < 1 || b.Index > b.Total {
			v.wrong("one share, two members, or none: %v; %v", a, b)
		}
		owner[one] = b
	})
	return v
}

// walk goes through beliefs in the order in which they began. Each is shown with those in the same thing that
// were not over when it began, and with the one of the highest token that was.
func (v *Verdict) walk(list []Belief, see func(b Belief, open []Belief, newest Belief)) {
	v.Judged = len(list)
	open, newest := map[string][]Belief{}, map[string]Belief{}
	for _, b := range byBeginning(list, func(b Belief) Span { return b.Span }) {
		var still []Belief
		for _, a := range open[b.What] {
			if !a.Before(b.Span) {
				still = append(still, a)
			} else if a.Token >= newest[b.What].Token {
				newest[b.What] = a
			}
		}
		see(b, still, newest[b.What])
		open[b.What] = append(still, b)
	}
}

// Answer is what somebody was told who asked who leads a group.
type Answer struct {
	Call
	Group, Member string
	Term          uint64
}

// Led says whether terms only rise in answers that were given one after the other, and each is of one member.
func Led(list []Answer) (v Verdict) {
	v.Judged = len(list)
	type term struct {
		group string
		term  uint64
	}
	led := map[term]Answer{}
	byGroup := map[string][]Reading{}
	for _, a := range list {
		at := term{a.Group, a.Term}
		if other, known := led[at]; known && other.Member != a.Member {
			v.wrong("term %d of %s was led by %s, at %v, and %s, at %v", a.Term, a.Group, other.Member, other.Span,
				a.Member, a.Span)
		}
		led[at] = a
		byGroup[a.Group] = append(byGroup[a.Group], Reading{a.Span, int64(a.Term)})
	}
	for group, terms := range byGroup {
		v.rise("the term of "+group, terms)
	}
	return v
}
