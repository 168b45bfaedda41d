// Package nodetest runs ensembles of real processes for tests: it builds the binary once, starts
// nodes, kills, stops, pauses and restarts them, and at the end of each test looks whether they
// behaved: whoever still runs ends with status 0 when asked to, and nobody logged an error.
//
// It is not for what the nodes answer; that is for the tests that use it. It may import node,
// internal/resp, the root package and testing, and is only for tests.
package nodetest
