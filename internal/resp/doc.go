// Package resp is the wire of Redis clients: it turns the bytes of RESP2 and RESP3 into commands and
// replies, and back.
//
// The way in is a Reader, which gives whole pipelines of requests; the way out is Append. Clients use
// the mirror images, AppendCommand and ReplyReader. What comes in is not trusted: memory grows with the
// bytes that came, never with the length that a header announces.
//
// It is not for knowing what a command means, for answering one, or for opening and closing
// connections: it reads from an io.Reader, appends to a byte slice, and starts no goroutine. It may
// import package caucus and the standard library, of which neither net nor time.
package resp
