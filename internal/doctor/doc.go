// Package doctor judges how an ensemble is from what its nodes told: what is well, what should be looked
// at, what is bad, and what to do about each. It asks nobody: caucus doctor does, and shows what comes out.
//
// It is not for watching; alerts on metrics do that (deploy/prometheus). It may import the standard library
// and internal/overview.
package doctor
