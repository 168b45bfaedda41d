package invariant

// Violated is what Check panics with: the invariant that did not hold, in words.
type Violated string

// Error says which invariant did not hold.
func (v Violated) Error() string { return "invariant violated: " + string(v) }
