// Package mutants holds mistakes that are made on purpose, one at a time, to show that the tests of the house
// find them: each is a patch in testdata, whose header says which rule it breaks, which test must fail, and
// what that must print.
//
// It is not for tests of the product itself. Its tests may import only the standard library, and nothing may
// import it.
package mutants
