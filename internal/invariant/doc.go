// Package invariant states what must hold if the program is right. Built with the tag "invariants", as the
// simulator's tests are, a broken one panics with a Violated; otherwise Check only gives back what it was
// asked, so that the caller can refuse, stop or go on.
//
// It is not for judging what comes from outside: a bad request is an error, never a broken invariant. It
// may import only fmt.
package invariant
