package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Version is the version of the peer protocol that this package speaks.
const Version = 1

const (
	magic     = "caucus-p"
	maxText   = 255       // bytes of a name or address
	maxStatus = 64 << 10  // bytes of a status
	maxLetter = 128 << 10 // bytes of anything in a handshake
)

// A letter is one message of a handshake: magic, version, kind, length, checksum, body. Its envelope is
// the same in every version, so that each can tell any other why it is turned away.
type letter struct {
	version uint8
	kind    letterKind
	body    []byte
}

type letterKind uint8

const (
	letterHello     letterKind = 1 // who I am, from either side
	letterChallenge letterKind = 2 // the acceptor's nonce, when there is a password
	letterProof     letterKind = 3 // an HMAC, from either side
	letterRefusal   letterKind = 4 // why this goes no further
)

const letterHead = len(magic) + 1 + 1 + 4 + 4

// errNoPeer is what a connection ends with that does not even begin like one of ours.
var errNoPeer = errors.New("what connected does not speak the peer protocol")

func appendLetter(b []byte, l letter) []byte {
	b = append(b, magic...)
	b = append(b, l.version, uint8(l.kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(l.body)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(l.body, castagnoli))
	return append(b, l.body...)
}

func readLetter(r io.Reader) (letter, error) {
	var head [letterHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return letter{}, err
	}
	if string(head[:len(magic)]) != magic {
		return letter{}, errNoPeer
	}
	rest := head[len(magic):]
	l := letter{version: rest[0], kind: letterKind(rest[1])}
	size, sum := binary.LittleEndian.Uint32(rest[2:]), binary.LittleEndian.Uint32(rest[6:])
	if size > maxLetter {
		return letter{}, fmt.Errorf("%w: a greeting of %d bytes", ErrGarbled, size)
	}
	l.body = make([]byte, size)
	if _, err := io.ReadFull(r, l.body); err != nil {
		return letter{}, noEOF(err)
	}
	if crc32.Checksum(l.body, castagnoli) != sum {
		return letter{}, fmt.Errorf("%w: a greeting with a wrong checksum", ErrGarbled)
	}
	return l, nil
}

// hello is what each side says of itself.
type hello struct {
	purpose  Purpose
	password bool     // I have one and will want yours
	nonce    [32]byte // fresh for every handshake
	to       uint64   // whom the dialler means to reach, 0 for anybody
	toName   string   // what the dialler calls that node, "" when it does not know
	from     Identity
	status   []byte
}

func (h hello) encode() ([]byte, error) {
	if err := h.from.validate(); err != nil {
		return nil, err
	}
	if len(h.toName) > maxText {
		return nil, fmt.Errorf("peer: %.40q... is longer than %d bytes", h.toName, maxText)
	}
	if len(h.status) > maxStatus {
		return nil, fmt.Errorf("peer: a status of %d bytes, %d allowed", len(h.status), maxStatus)
	}
	b := []byte{uint8(h.purpose), 0}
	if h.password {
		b[1] = 1
	}
	b = append(b, h.nonce[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.to)
	b = append(b, h.from.Cluster[:]...)
	b = append(b, h.from.Boot[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.from.ID)
	b = binary.LittleEndian.AppendUint64(b, h.from.Boots)
	a := h.from.Addresses
	for _, s := range []string{h.toName, h.from.Name, a.Client, a.Peer, a.HTTP} {
		b = append(append(b, uint8(len(s))), s...)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(h.status)))
	return append(b, h.status...), nil
}

func decodeHello(b []byte) (hello, error) {
	c := cursor{rest: b}
	h := hello{purpose: Purpose(c.byte())}
	flags := c.byte()
	h.password = flags == 1
	copy(h.nonce[:], c.take(len(h.nonce)))
	h.to = c.uint64()
	copy(h.from.Cluster[:], c.take(len(h.from.Cluster)))
	copy(h.from.Boot[:], c.take(len(h.from.Boot)))
	h.from.ID = c.uint64()
	h.from.Boots = c.uint64()
	h.toName, h.from.Name = c.text(), c.text()
	h.from.Addresses = Addresses{Client: c.text(), Peer: c.text(), HTTP: c.text()}
	h.status = c.take(int(c.uint32()))
	if c.short || len(c.rest) > 0 || flags > 1 || !h.purpose.valid() || len(h.status) > maxStatus {
		return hello{}, fmt.Errorf("%w: a greeting that makes no sense", ErrGarbled)
	}
	return h, nil
}

// cursor reads fields one after the other; once the bytes run out it gives zeros and remembers.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.short, c.rest = true, nil
		return nil
	}
	head := c.rest[:n:n]
	c.rest = c.rest[n:]
	return head
}

func (c *cursor) byte() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) text() string { return string(c.take(int(c.byte()))) }
