package users

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Hash is a password's hash by Argon2id (RFC 9106), in the form in which the reference implementation writes
// it: $argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$SUM, salt and sum by base64 without padding.
type Hash struct {
	KiB, Passes uint32
	Lanes       uint8
	Salt, Sum   []byte
}

// What is believed of a hash, so that a log-in costs no more than a node can spend.
const (
	mostKiB    = 64 << 10
	mostPasses = 8
	mostLanes  = 4
	sumBytes   = 32
)

// ReadHash reads a hash, nil when it is none, or one that would cost too much.
func ReadHash(text string) *Hash {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return nil
	}
	h := &Hash{}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.KiB, &h.Passes, &h.Lanes)
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	h.Salt, h.Sum = salt, sum
	switch {
	case n != 3 || err != nil || err1 != nil || err2 != nil:
		return nil
	case h.KiB < 8 || h.KiB > mostKiB || h.Passes < 1 || h.Passes > mostPasses:
		return nil
	case h.Lanes < 1 || h.Lanes > mostLanes:
		return nil
	case len(salt) < 8 || len(salt) > 64 || len(sum) != sumBytes || h.String() != text:
		return nil
	}
	return h
}

// String gives the hash as ReadHash takes it.
func (h *Hash) String() string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", h.KiB, h.Passes, h.Lanes,
		base64.RawStdEncoding.EncodeToString(h.Salt), base64.RawStdEncoding.EncodeToString(h.Sum))
}
