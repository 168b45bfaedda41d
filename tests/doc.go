// Package tests holds tests of ensembles of real processes under faults: nodes are killed, stopped,
// moved, and given damaged or foreign directories, while clients write and a checker looks whether
// what they saw fits one order of all. The figures for the documents are measured here too.
//
// It is not for what one command answers, which tests/doors is for, nor for faults that only a
// seeded run can place exactly, which internal/sim is for. It may import whatever the house has,
// and nothing may import it.
package tests
