// Package entry is what stands in the log: the envelope of an entry, the batches of operations in it, and
// their bytes.
//
// Everything that later versions need is in the envelope from the first one on: a format, a feature level,
// the ensemble's time, the proposer's term, a seed for randomness, and for every operation who asked
// (SAFETY B20, DESIGN "Shape"). The package knows no command and no state; it may import the root package
// only.
package entry
