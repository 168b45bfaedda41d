package node

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/caucus-project/caucus/internal/replica"
)

// randomID draws an id that nobody can guess and that never comes again.
func randomID() (id [16]byte) {
	rand.Read(id[:]) // never fails: crypto/rand's documentation
	return id
}

func randomSeed() uint64 {
	id := randomID()
	return binary.LittleEndian.Uint64(id[:])
}

func formatID(id [16]byte) string { return hex.EncodeToString(id[:]) }

// parseID reads what formatID gave; raftlog has checked the identity's ids.
func parseID(s string) (id [16]byte) {
	b, err := hex.DecodeString(s)
	if err == nil {
		copy(id[:], b)
	}
	return id
}

// started is the origin of the monotonic clock.
var started = time.Now()

func now() time.Time { return time.Now() }

// clocks reads both clocks. The monotonic one begins above zero, which stands for "never".
func clocks() replica.Time {
	t := time.Now()
	return replica.Time{Mono: t.Sub(started).Microseconds() + 1_000_000, Wall: t.UnixMicro()}
}
