package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
)

// The setting notify-keyspace-events says which changes of keys are published, as in Redis: letters for the
// classes of events, and K or E for the kinds of channels. It is a setting of the ensemble.

// All letters in the order in which Redis gives them, those of the classes first: A stands for these.
const (
	notifyClasses = "g$lshzxetd"
	notifyLetters = notifyClasses + "KEmn"
)

// notifyFlags reads the setting and gives it in Redis' order.
func notifyFlags(text string) (string, *caucus.Error) {
	for _, c := range text {
		if !strings.ContainsRune("A"+notifyLetters, c) {
			return "", caucus.Errorf(caucus.ErrBad, "CONFIG SET failed (possibly related to argument "+
				"'notify-keyspace-events') - Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
		}
	}
	has := func(c rune) bool {
		return strings.ContainsRune(text, c) ||
			strings.ContainsRune(text, 'A') && strings.ContainsRune(notifyClasses, c)
	}
	all := strings.Map(func(c rune) rune {
		if has(c) {
			return c
		}
		return -1
	}, notifyLetters)
	if rest, ok := strings.CutPrefix(all, notifyClasses); ok {
		return "A" + rest, nil
	}
	return all, nil
}

// Notify gives the setting notify-keyspace-events, "" when no change is published.
func (s *state) Notify() string { return s.notify }

// class gives the letter of the class to which Redis counts an event, 0 for what it does not tell.
func (w word) class() byte {
	switch w {
	case wordSet, wordAppend, wordSetRange, wordIncrBy, wordIncrByFloat:
		return '$'
	case wordExpired:
		return 'x'
	case wordExpire, wordPersist, wordDel, wordRenameFrom, wordRenameTo, wordCopyTo:
		return 'g'
	case wordFlushAll, 0:
		return 0
	}
	switch first := w.String()[0]; first {
	case 'r': // as in rpush
		return 'l'
	default:
		return first // of hset, sadd, zadd, lpush
	}
}

// Changed is a change of a key, or of all keys.
type Changed struct {
	Key   string
	All   bool   // all keys are gone; the other fields are empty
	Event string // Redis' word for it
	Class byte   // the letter of its class in notify-keyspace-events
}

// ChangedAfter visits the changes of keys after a revision, in order, until do says no. It says whether it
// knows of all changes since.
func (s *state) ChangedAfter(revision uint64, do func(Changed) bool) (whole bool) {
	s.history.from(max(revision+1, s.history.floor), func(c *keyChange) bool {
		if c.word == wordFlushAll {
			return do(Changed{All: true})
		}
		return do(Changed{Key: c.key, Event: c.word.String(), Class: c.word.class()})
	})
	return revision+1 >= s.history.floor
}
