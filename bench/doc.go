// Command bench measures caucus beside its peers on this machine: etcd, which is built into it through
// its Go module, and redis-server and ZooKeeper where they are installed. It starts all of them with
// their documented durable settings, lets caucus and the peer work in turn under the same load, and
// prints one table with ratios; docs/performance.md of the main module says what the rows mean.
//
//	go run -C bench . -only SET -repeat 5 -seconds 5
//
// It is a module of its own, so that no peer is among what caucus depends on. It needs Linux.
package main
