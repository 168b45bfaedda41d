package certs

import "crypto/tls"

// Conn is a TLS connection whose handshake is done.
type Conn struct{ *tls.Conn }

// Close closes the connection below at once. The Close of crypto/tls says goodbye first, and waits up to
// five seconds until there is room for that, or longer behind a write: too long for whoever holds a lock
// meanwhile. Who wants to say goodbye calls CloseWrite before. In caucus nothing rests on it: whatever
// comes tells its length.
func (c Conn) Close() error { return c.NetConn().Close() }
