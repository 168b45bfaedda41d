// Package feed is the hub of subscriptions inside a node: it hands what is published on a channel to all who
// listen to the channel or to a pattern that matches it.
//
// A subscriber has a bounded backlog and is cut off when it falls behind; nobody waits for one. The package
// is not for carrying messages between nodes (peer) nor for writing them to sockets (the doors). It may
// import the root package, waist, glob and, for what all may hold together, resp.
package feed
