package node

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/caucus-project/caucus/internal/clocks"
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

func now() time.Time { return time.Now() }

// clockTimes reads both clocks. The monotonic one is above zero, which stands for "never", and goes on
// while the machine is suspended, if it can: the ensemble's clock, which follows it, would otherwise be
// as much behind afterwards, and be steered back by a thousandth of the time only (SAFETY A14).
func clockTimes() replica.Time {
	t := clocks.Read()
	return replica.Time{Mono: t.Boot + 1_000_000, Wall: t.Wall}
}
