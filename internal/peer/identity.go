package peer

import (
	"encoding/hex"
	"fmt"
)

// Identity says who a node is. Everything in it is fixed for one run of a process except what
// Transport.SetIdentity changes.
type Identity struct {
	Cluster   [16]byte // zero: belongs to none yet, and may only make and answer calls
	ID        uint64   // raft id; 0: a stranger who has none yet
	Name      string
	Boot      [16]byte // random, new at every start of the process
	Boots     uint64   // how often the data directory has been started (SAFETY B19)
	Addresses Addresses
}

// Addresses are where a node's doors are, as host:port; empty when it has no such door.
type Addresses struct {
	Client, Peer, HTTP string
}

// String names the node for a log line.
func (i Identity) String() string {
	if i.ID == 0 {
		return fmt.Sprintf("%q (no id yet)", i.Name)
	}
	return fmt.Sprintf("%q (id %x)", i.Name, i.ID)
}

func (i Identity) belongs() bool { return i.Cluster != [16]byte{} && i.ID != 0 }

func clusterText(id [16]byte) string {
	if id == [16]byte{} {
		return "none"
	}
	return hex.EncodeToString(id[:])
}

// Purpose says what a connection is for.
type Purpose uint8

// The purposes. They are numbers on the wire and never change their meaning.
const (
	ForFrames Purpose = 1 // the dialler sends frames
	ForStream Purpose = 2 // the dialler sends one stream
	ForCall   Purpose = 3 // the dialler asks one question
	ForProbe  Purpose = 4 // the dialler wants the greeting and nothing else
)

func (p Purpose) valid() bool { return p >= ForFrames && p <= ForProbe }

// String gives the purpose in a word.
func (p Purpose) String() string {
	switch p {
	case ForFrames:
		return "frames"
	case ForStream:
		return "stream"
	case ForCall:
		return "call"
	case ForProbe:
		return "probe"
	}
	return fmt.Sprintf("purpose %d", uint8(p))
}

// Greeting is what the other side said in a handshake.
type Greeting struct {
	From    Identity
	Status  []byte // what its Handler.Greet gave
	Purpose Purpose
	Way     Way    // From: it dialled us; To: we dialled it
	Remote  string // the address at the other end of the connection
}
