// Package metrics is what a node tells Prometheus: every metric stands here, in one table (rows) and one list
// of histograms.
//
// Each node has a registry of its own, so that several may live in one process. The node hands in values: its
// readings when it is scraped, and durations as they happen. The package knows no node, replica or door.
package metrics
