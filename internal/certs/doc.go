// Package certs is TLS for all doors: what is read from the files of certificates and read anew while a
// node runs, whom each door lets in, connections whose handshake is done, and a small authority that
// makes certificates.
//
// A node's certificate bears a mark, a URI "caucus:node:NAME" among its names. Without it nobody is let
// in at a peer door: the certificate of a client, of the same authority, opens the doors of clients only.
// Nodes move, so they know each other by the mark and not by the name of a host.
//
// It may import grumble, and the standard library.
package certs
