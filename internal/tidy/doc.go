// Package tidy holds the rules of the house as tests: which room may import which, how long a file may
// grow, where the words about a package stand, what may not be called. Its tests read the source of the
// whole module; a failure says the rule, the place and the reason.
//
// It has no code of its own, and nothing may import it. Its tests may import only the standard library.
package tidy
