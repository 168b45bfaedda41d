// Package clients tests that the well-known Redis clients find every node by themselves, as clients of Redis
// Cluster or of Redis Sentinel, and go on when the node that they use is killed, without a change of their
// configuration. It starts real processes and imports the libraries, nodetest and tool.
package clients
