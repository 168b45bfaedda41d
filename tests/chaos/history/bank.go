package history

import (
	"maps"
	"slices"
)

// Transfer moves an amount from one account to another, if that has so much, and writes itself down in a
// ledger, all in one transaction. Term is that of the guard under which it was made, 0 if there was none.
type Transfer struct {
	Entry
	From, To string // accounts
	Amount   int64
	Term     uint64
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
	v.terms(order)
	balances := maps.Clone(start)
	at := 0
	slices.SortStableFunc(looks, func(a, b Look) int { return a.Length - b.Length })
	for _, l := range looks {
		for ; at < min(l.Length, len(order)); at++ {
			v.move(balances, order[at])
		}
		v.look(balances, order, l)
	}
	for ; at < len(order); at++ {
		v.move(balances, order[at])
	}
	return v
}

// move does a transfer once more.
func (v *Verdict) move(balances map[string]int64, t Transfer) {
	balances[t.From] -= t.Amount
	balances[t.To] += t.Amount
	if left := balances[t.From]; left < 0 {
		v.wrong("%q took %d from %s, which had %d", t.Word, t.Amount, t.From, left+t.Amount)
	}
}

// look compares what somebody saw with what must have been there.
func (v *Verdict) look(want map[string]int64, order []Transfer, l Look) {
	switch {
	case l.Length > len(order):
		v.wrong("at %v the ledger had %d entries, and at the end %d", l.Span, l.Length, len(order))
		return
	case total(l.Balances) != total(want):
		v.wrong("at %v all accounts had %d, not %d: %v", l.Span, total(l.Balances), total(want), l.Balances)
	case !maps.Equal(l.Balances, want):
		v.wrong("at %v, after %d transfers, accounts had %v; the ledger makes it %v", l.Span, l.Length, l.Balances,
			want)
	}
	for i, t := range order {
		switch {
		case i < l.Length && t.Span.From > l.Span.To:
			v.wrong("%q was seen at %v, before it was made at %d", t.Word, l.Span, t.Span.From)
		case i >= l.Length && t.happened().To < l.Span.From:
			v.wrong("%q was over at %d, and not seen at %v", t.Word, t.Span.To, l.Span)
		}
	}
}

func total(balances map[string]int64) (sum int64) {
	for _, b := range balances {
		sum += b
	}
	return sum
}

// terms sees that nothing was written under a term after something under a later one.
func (v *Verdict) terms(order []Transfer) {
	var newest Transfer
	for _, t := range order {
		switch {
		case t.Term == 0:
		case t.Term < newest.Term:
			v.wrong("%q, under term %d, stands behind %q, under term %d", t.Word, t.Term, newest.Word, newest.Term)
		default:
			newest = t
		}
	}
}
