package loop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What is written and read: keys of 16 bytes, of which each operation draws one, and values of 64.
const (
	Keys      = 10_000
	valueSize = 64
)

// Key gives the key of a number.
func Key(n int) string { return fmt.Sprintf("key:%012d", n) }

// Value is what every key has.
var Value = strings.Repeat("abcdefgh", valueSize/8)

// keys are all keys, made once, so that the making is not measured.
var keys = func() (list [Keys]string) {
	for n := range list {
		list[n] = Key(n)
	}
	return list
}()

func anyKey(rng *rand.Rand) string { return keys[rng.IntN(Keys)] }

// interrupted says that an error is only that somebody else had enough.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled
}
