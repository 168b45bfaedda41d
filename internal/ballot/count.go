package ballot

// Kind says how many of those who may vote must say yes.
type Kind uint8

// The kinds.
const (
	Majority  Kind = iota + 1 // more than half of the electorate
	Consensus                 // all of it
)

// String gives the word for a kind on the wire.
func (k Kind) String() string {
	if k == Majority {
		return "majority"
	}
	return "consensus"
}

// Needs gives how many of an electorate must say yes. Nobody at all agrees to nothing, so it is never less
// than one.
func (k Kind) Needs(electorate int) int {
	if k == Majority {
		return electorate/2 + 1
	}
	return max(1, electorate)
}

// Outcome is what a poll has come to.
type Outcome uint8

// The outcomes.
const (
	Open    Outcome = iota // it may still end either way
	Yes                    // enough have said yes
	No                     // enough cannot say yes any more
	Timeout                // it was undecided when its time was over
)

// String gives the word for an outcome on the wire.
func (o Outcome) String() string {
	switch o {
	case Open:
		return "open"
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "timeout"
}

// Count is how a poll stands. Yes, No and Gone never exceed Electorate together.
type Count struct {
	Kind       Kind
	Electorate int // how many may vote; it never changes
	Yes, No    int // votes that count
	Gone       int // those who have departed and did not say no before
}

// Cast counts the vote of somebody who has not voted yet.
func (c *Count) Cast(yes bool) {
	if yes {
		c.Yes++
	} else {
		c.No++
	}
}

// Depart counts somebody as departed, who has voted before or not. The departed never count as yes; a no that
// they have said stays one.
func (c *Count) Depart(voted, yes bool) {
	switch {
	case !voted:
		c.Gone++
	case yes:
		c.Yes--
		c.Gone++
	}
}

// Outcome gives Yes as soon as enough have said yes, No as soon as that is out of reach, and Open until then.
func (c *Count) Outcome() Outcome {
	needs := c.Kind.Needs(c.Electorate)
	switch {
	case c.Yes >= needs:
		return Yes
	case c.Electorate-c.No-c.Gone < needs:
		return No
	}
	return Open
}
