package explore

import (
	"fmt"
	"strconv"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/machine"
)

// tokens are the newest term and epoch of a place over all lives of its group, and to whom the term was
// granted.
type tokens struct {
	term, epoch uint64
	leader      entry.Session
}

// everything is all that a member can believe in.
var everything = func() (all []lease.Key) {
	all = append(all, theIndex)
	for _, name := range places {
		all = append(all, lease.Key{Group: name, Kind: lease.Leadership})
	}
	for n := range slotCount {
		all = append(all, slotKey(n))
	}
	return all
}()

var grantName = machine.Grant("", 0).Args[0]

func number(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// wrong says what is as it must never be in a world, "" when nothing is.
func (w *world) wrong() string {
	now := w.reading()
	for _, key := range everything {
		holder := -1
		for who := range w.members {
			value, ok := w.members[who].lease.Held(key, now)
			if !ok {
				continue
			}
			if holder >= 0 && key != theIndex {
				return fmt.Sprintf("SAFETY A3: m%d and m%d both believe in %s", holder+1, who+1, named(key))
			}
			holder = who
			if why := w.unfounded(who, key, value); why != "" {
				return why
			}
		}
	}
	return w.indexes(now)
}

// indexes sees that no two members believe in one index, or in indexes of two epochs (SAFETY A3).
func (w *world) indexes(now lease.Reading) string {
	var first lease.Value
	var taken uint
	for who := range w.members {
		value, ok := w.members[who].lease.Held(theIndex, now)
		if !ok {
			continue
		}
		if first.Token != 0 && first.Token != value.Token || taken>>value.Index&1 == 1 {
			return fmt.Sprintf("SAFETY A3: m%d believes in index %d of epoch %d beside others", who+1, value.Index,
				value.Token)
		}
		first = value
		taken |= 1 << value.Index
	}
	return ""
}

// unfounded says that what a member believes in is already somebody else's to have, "" when it is not:
// nothing is granted before its holder has given it up, has ended or can no longer believe (SAFETY A3, A17).
func (w *world) unfounded(who int, key lease.Key, value lease.Value) string {
	g := &w.groups[placeNamed(key.Group)]
	own := sessionOf(who)
	founded := false
	switch key.Kind {
	case lease.Leadership:
		founded = g.Term == value.Token && (g.Leader == own || g.Former == own)
	case lease.Index:
		for _, mb := range g.Members {
			founded = founded || mb.Session == own && mb.Index == value.Index && g.Epoch == value.Token
		}
	case lease.Slots:
		for _, s := range g.Slots {
			founded = founded || s.Slot == key.Slot && s.Holder == own
		}
	}
	if founded {
		return ""
	}
	return fmt.Sprintf("SAFETY A3: m%d believes in %s, which is no longer its own", who+1, named(key))
}

// named puts what can be believed in into words.
func named(key lease.Key) string {
	switch key.Kind {
	case lease.Leadership:
		return "leading " + key.Group
	case lease.Slots:
		return fmt.Sprintf("slot %d of %s", key.Slot, key.Group)
	}
	return "its index of " + key.Group
}

func placeNamed(group string) int {
	for i, name := range places {
		if name == group {
			return i
		}
	}
	return 0
}

// rises sees that terms and epochs only rise, whatever became of the group meanwhile, and that nobody is
// granted anything under one that another had (SAFETY A16). It notes the newest.
func (w *world) rises() string {
	for i := range w.groups {
		g, newest := &w.groups[i], &w.newest[i]
		if g.Epoch != 0 {
			if g.Epoch < newest.epoch {
				return fmt.Sprintf("SAFETY A16: the epoch of %s went from %d to %d", places[i], newest.epoch, g.Epoch)
			}
			newest.epoch = g.Epoch
		}
		if g.Leader == (entry.Session{}) {
			continue
		}
		if g.Term < newest.term || g.Term == newest.term && g.Leader != newest.leader {
			return fmt.Sprintf("SAFETY A16: m%d leads %s under term %d after m%d under %d", whose(g.Leader)+1,
				places[i], g.Term, whose(newest.leader)+1, newest.term)
		}
		newest.term, newest.leader = g.Term, g.Leader
	}
	return w.apart()
}

// apart sees that the machine itself grants no index and no lead twice.
func (w *world) apart() string {
	for i := range w.groups {
		g := &w.groups[i]
		if none := (entry.Session{}); g.Leader != none && g.Former != none {
			return fmt.Sprintf("SAFETY A3: %s has a leader while its leadership is revoked", places[i])
		}
		taken := 0
		for _, mb := range g.Members {
			if mb.Index > 0 && taken>>mb.Index&1 == 1 {
				return fmt.Sprintf("SAFETY B16: two members have index %d of %s", mb.Index, places[i])
			}
			taken |= 1 << mb.Index
		}
	}
	return ""
}
