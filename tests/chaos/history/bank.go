package history

import (
	"maps"
	"slices"
)

// Guarded is an entry that was made under a guard of a term. Without one the term is 0.
type Guarded struct {
	Entry
	Term uint64
}

// Fenced says whether a list holds what it must (see Once), and nothing that was made under a term behind
// something of a later one.
func Fenced(entries []Guarded, list []string) Verdict {
	v, order := once(entries, list, func(g Guarded) Entry { return g.Entry })
	v.terms(order)
	return v
}

// terms sees that nothing was written under a term after something under a later one.
func (v *Verdict) terms(order []Guarded) {
	var newest Guarded
	for _, g := range order {
		switch {
		case g.Term == 0:
		case g.Term < newest.Term:
			v.wrong("%q, under term %d, stands behind %q, under term %d", g.Word, g.Term, newest.Word, newest.Term)
		default:
			newest = g
		}
	}
}

// Transfer moves an amount from one account to another, if that has so much, and writes itself down in a
// ledger, all in one transaction.
type Transfer struct {
	Guarded
	From, To string // accounts
	Amount   int64
}

// Look is what all accounts held at one moment, and how many transfers stood in the ledger.
type Look struct {
	Span
	Balances map[string]int64
	Length   int
}

// Bank says whether transfers were transactions. The ledger is their order: every one stands there as an
// entry must (see Once), nobody spent what he did not have, the terms of guards only rise, and each look
// shows what the first so many transfers make of the accounts, with all that were over and none that had not
// begun.
func Bank(start map[string]int64, transfers []Transfer, looks []Look, ledger []string) Verdict {
	v, order := once(transfers, ledger, func(t Transfer) Entry { return t.Entry })
	v.Judged += len(looks)
	guarded := make([]Guarded, len(order))
	begun, over := make([]Transfer, len(order)+1), make([]Transfer, len(order)+1)
	over[len(order)].Span.To = forever
	for i, t := range order {
		guarded[i] = t.Guarded
		begun[i+1] = later(begun[i], t)
	}
	for i, t := range slices.Backward(order) {
		over[i] = sooner(t, over[i+1])
	}
	v.terms(guarded)
	balances, at := maps.Clone(start), 0
	looks = slices.SortedStableFunc(slices.Values(looks), func(a, b Look) int { return a.Length - b.Length })
	for _, l := range looks {
		for ; at < min(l.Length, len(order)); at++ {
			v.move(balances, order[at])
		}
		if v.look(balances, at, l) {
			v.seen(begun[at], over[at], l)
		}
	}
	for _, t := range order[at:] {
		v.move(balances, t)
	}
	return v
}

// later gives which of two transfers began later, sooner which was over sooner.
func later(a, b Transfer) Transfer {
	if a.Span.From > b.Span.From {
		return a
	}
	return b
}

func sooner(a, b Transfer) Transfer {
	if a.happened().To < b.happened().To {
		return a
	}
	return b
}

// move does a transfer once more.
func (v *Verdict) move(balances map[string]int64, t Transfer) {
	balances[t.From] -= t.Amount
	balances[t.To] += t.Amount
	if left := balances[t.From]; left < 0 {
		v.wrong("%q took %d from %s, which had %d", t.Word, t.Amount, t.From, left+t.Amount)
	}
}

// look compares what somebody saw with what must have been there, after so many transfers.
func (v *Verdict) look(want map[string]int64, length int, l Look) bool {
	switch {
	case l.Length > length:
		v.wrong("at %v the ledger had %d entries, and at the end %d", l.Span, l.Length, length)
		return false
	case total(l.Balances) != total(want):
		v.wrong("at %v all accounts had %d, not %d: %v", l.Span, total(l.Balances), total(want), l.Balances)
	case !maps.Equal(l.Balances, want):
		v.wrong("at %v, after %d transfers, accounts had %v; the ledger makes it %v", l.Span, l.Length, l.Balances,
			want)
	}
	return true
}

// seen sees that a look has seen what was over before it, and nothing that began after it: of what it saw
// the one that began last, and of what it did not the one that was over first.
func (v *Verdict) seen(begun, over Transfer, l Look) {
	if begun.Span.From > l.Span.To {
		v.wrong("%q was seen at %v, before it was made at %d", begun.Word, l.Span, begun.Span.From)
	}
	if over.happened().To < l.Span.From {
		v.wrong("%q was over at %d, and not seen at %v", over.Word, over.Span.To, l.Span)
	}
}

func total(balances map[string]int64) (sum int64) {
	for _, b := range balances {
		sum += b
	}
	return sum
}
