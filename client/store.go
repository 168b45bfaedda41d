package client

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/caucus-project/caucus"
)

// Store is the keys of the ensemble as typed calls, which Client and Session have in common; there is no
// other way to make one. They are the commands of the same names, and Do has all the others. Keys and values
// are any bytes, a value 8 MiB at most. Reads are linearizable: they see every write that was answered before
// they began.
//
// What differs is what becomes of a write whose answer did not come, because its connection broke or its
// node was lost: a Client's fails with caucus.ErrUncertain; a Session's is sent again and applied once.
//
// The calls may be made from several goroutines. They fail with caucus.ErrWrongType when the key holds
// another kind of value, and as the package's documentation says.
type Store struct{ via carrier }

// carrier carries out commands, one at a time or as one transaction.
type carrier interface {
	caucus.Doer
	transact(ctx context.Context, cmds []caucus.Command, guards []Guard) ([]caucus.Reply, error)
}

// Get gives the value of a key, and whether there is one.
func (s Store) Get(ctx context.Context, key string) (value string, ok bool, err error) {
	r, err := s.via.Do(ctx, caucus.Command{"GET", key})
	return r.Text(), err == nil && !r.IsNil(), err
}

// Set gives a key a value, for ever: an earlier time-to-live is gone. SetWith has a time-to-live, and
// conditions.
func (s Store) Set(ctx context.Context, key, value string) error {
	_, err := s.via.Do(ctx, caucus.Command{"SET", key, value})
	return err
}

// SetOptions are what SetWith depends on and how long its value lives.
type SetOptions struct {
	TTL     time.Duration // how long the key lives, in whole milliseconds, rounded up; 0: for ever
	KeepTTL bool          // the key keeps the time-to-live that it has, if any; TTL must be 0

	IfAbsent  bool // nothing is set if the key is there (Redis' NX); at most one of the two
	IfPresent bool // nothing is set if it is not (XX)
}

func (o SetOptions) command(key, value string) (caucus.Command, error) {
	cmd := caucus.Command{"SET", key, value}
	switch {
	case o.TTL < 0:
		return nil, caucus.Errorf(caucus.ErrBad, "client: the TTL %v of key %.100q is negative", o.TTL, key)
	case o.TTL > 0:
		cmd = append(cmd, "PX", roundedUp(o.TTL))
	}
	for _, option := range []struct {
		stated bool
		word   string
	}{{o.KeepTTL, "KEEPTTL"}, {o.IfAbsent, "NX"}, {o.IfPresent, "XX"}} {
		if option.stated {
			cmd = append(cmd, option.word)
		}
	}
	return cmd, nil
}

// SetWith gives a key a value if the options allow it, and says whether they did. Options that contradict
// each other fail with caucus.ErrBad.
func (s Store) SetWith(ctx context.Context, key, value string, opts SetOptions) (set bool, err error) {
	cmd, err := opts.command(key, value)
	if err != nil {
		return false, err
	}
	r, err := s.via.Do(ctx, cmd)
	return err == nil && !r.IsNil(), err
}

// Del removes keys, at least one, and gives how many there were.
func (s Store) Del(ctx context.Context, keys ...string) (removed int, err error) {
	r, err := s.via.Do(ctx, append(caucus.Command{"DEL"}, keys...))
	return int(r.Int), err
}

// Exists gives how many of some keys, at least one, there are. One that is named twice counts twice.
func (s Store) Exists(ctx context.Context, keys ...string) (int, error) {
	r, err := s.via.Do(ctx, append(caucus.Command{"EXISTS"}, keys...))
	return int(r.Int), err
}

// IncrBy adds to the number that a key holds, 0 when it is not there, and gives the sum. It fails with
// caucus.ErrBad, and adds nothing, for what is no number of 64 bits and where the sum would be none.
func (s Store) IncrBy(ctx context.Context, key string, by int64) (sum int64, err error) {
	r, err := s.via.Do(ctx, caucus.Command{"INCRBY", key, strconv.FormatInt(by, 10)})
	return r.Int, err
}

// Expire has a key removed after a time, in whole milliseconds, rounded up; at once when that is not above 0.
// It says whether the key is there. The time counts on the ensemble's clock.
func (s Store) Expire(ctx context.Context, key string, after time.Duration) (ok bool, err error) {
	r, err := s.via.Do(ctx, caucus.Command{"PEXPIRE", key, roundedUp(after)})
	return r.Int == 1, err
}

// Persist takes a key's time-to-live away, and says whether it had one.
func (s Store) Persist(ctx context.Context, key string) (had bool, err error) {
	r, err := s.via.Do(ctx, caucus.Command{"PERSIST", key})
	return r.Int == 1, err
}

// TTL gives how long a key will live, 292 years at most, and expires whether it is there and has an end at
// all.
func (s Store) TTL(ctx context.Context, key string) (left time.Duration, expires bool, err error) {
	r, err := s.via.Do(ctx, caucus.Command{"PTTL", key})
	if err != nil || r.Int < 0 {
		return 0, false, err
	}
	const longest = math.MaxInt64 / int64(time.Millisecond) // keys may live longer than a Duration can say
	return time.Duration(min(r.Int, longest)) * time.Millisecond, true, nil
}

// scanned is how many keys a node looks at for one answer to SCAN.
const scanned = "1000"

// Scan gives the keys that match a pattern of Redis, such as "user:*"; "" is all. Those that are there from
// the beginning to the end are given once; others may be. An error is the last thing that it gives.
func (s Store) Scan(ctx context.Context, pattern string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for cursor := "0"; ; {
			cmd := caucus.Command{"SCAN", cursor, "COUNT", scanned}
			if pattern != "" {
				cmd = append(cmd, "MATCH", pattern)
			}
			r, err := s.via.Do(ctx, cmd)
			if err == nil && len(r.Items) != 2 {
				err = fmt.Errorf("client: %w: SCAN gave %d fields", errProtocol, len(r.Items))
			}
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range r.Items[1].Items {
				if !yield(key.Text(), nil) {
					return
				}
			}
			if cursor = r.Items[0].Text(); cursor == "0" {
				return
			}
		}
	}
}

// Transact carries out commands as one: no other command of anybody comes between them, and all of them are
// applied or none. It gives the reply of each, errors among them, for a command that fails when it is
// carried out (an INCR of what is no number) does not undo the others; one that is wrong in itself fails
// the whole, and so does a guard that does not hold, with ErrFenced. Commands that belong to one
// connection or session are refused, as by Do; so are those that wait.
func (s Store) Transact(ctx context.Context, cmds []caucus.Command, guards ...Guard) ([]caucus.Reply, error) {
	return s.via.transact(ctx, cmds, guards)
}

// roundedUp writes a duration in whole milliseconds, none of which is lost.
func roundedUp(d time.Duration) string {
	n := d.Milliseconds()
	if d%time.Millisecond > 0 {
		n++
	}
	return strconv.FormatInt(n, 10)
}
