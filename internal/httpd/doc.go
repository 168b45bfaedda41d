// Package httpd is the HTTP door: bloc's protocol, for its unmodified clients, the JSON API below /v1
// (routes.go has its table), server-sent events (stream.go), and the answers to whoever asks whether this
// node lives and is ready.
//
// It is not for what a group is or who may believe what: it turns a request into the commands of a
// conversation, and of the server it knows what waist says only. It may import the root package,
// waist, here and follow, and command and resp for what a command is.
//
// A client of bloc is a session that no connection carries, known by group and header. It learns that
// its index was revoked by an answer, and shows that it did by its next request (SAFETY A3), so an
// answer is written before the same client's next request is looked at, and a request that did not wait
// for the answer before it shows nothing.
package httpd
