// Package waist is what a node offers to its doors, in one narrow place: conversations, subscriptions, and
// whether it is ready. The RESP door and the HTTP door know nothing else of a node.
//
// It is for naming things, and the simplest Guard; nothing here opens a socket or starts a goroutine. It
// imports the root package.
package waist
