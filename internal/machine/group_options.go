package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
)

// Defaults and ranges of a group's options (WIRE "Defaults").
const (
	defaultSettle = 6_000
	maxSettle     = 3_600_000
	maxMin        = 100_000
	maxSlots      = 65_536
	maxPriority   = 100

	minHeartbeat = 10
	maxHeartbeat = maxTTL / beatsPerTTL
)

// beatsPerTTL is how many heartbeats fit at least into a TTL, so that two may be lost.
const beatsPerTTL = 3

// usualSettle is the option by which the client's node says what SETTLE it gives a new group (its --settle).
// The node adds it to what is logged. It is a default, not a wish: it never conflicts.
const usualSettle = ".SETTLE"

// statement is what a JOIN or CREATE states; nil is not stated.
type statement struct {
	settle, ttl, grace, heartbeat, voteTimeout, min, slots, priority, usual *int64

	as, meta *string
	noLeader bool
}

// parseStatement reads the options of CREATE, and with joining those of JOIN.
func parseStatement(args caucus.Command, joining bool) (*statement, *caucus.Error) {
	st := &statement{}
	for i := 0; i < len(args); i++ {
		option := strings.ToUpper(args[i])
		if option == "NOLEADER" {
			st.noLeader = true
			continue
		}
		i++
		if i == len(args) {
			return nil, st.lacking(option, joining)
		}
		if err := st.take(option, args[i], joining); err != nil {
			return nil, err
		}
	}
	if st.as != nil && !caucus.ValidMember(*st.as) {
		return nil, caucus.Errorf(caucus.ErrBad,
			"a member name is 1-255 letters, digits and '._-:/@'")
	}
	return st, nil
}

// lacking says what is wrong with an option behind which nothing stands.
func (st *statement) lacking(option string, joining bool) *caucus.Error {
	if st.number(option, joining) == nil && (!joining || option != "AS" && option != "META") {
		return unknownOption(option)
	}
	return noValue(option)
}

func (st *statement) take(option, value string, joining bool) *caucus.Error {
	switch {
	case joining && option == "AS":
		st.as = &value
		return nil
	case joining && option == "META":
		st.meta = &value
		return nil
	}
	target := st.number(option, joining)
	if target == nil {
		return unknownOption(option)
	}
	n, err := number(option, value)
	*target = &n
	return err
}

func (st *statement) number(option string, joining bool) **int64 {
	switch option {
	case "SETTLE":
		return &st.settle
	case "TTL":
		return &st.ttl
	case "GRACE":
		return &st.grace
	case "HEARTBEAT":
		return &st.heartbeat
	case "VOTETIMEOUT":
		return &st.voteTimeout
	case "MIN":
		return &st.min
	case "SLOTS":
		return &st.slots
	case usualSettle:
		return &st.usual
	case "PRIORITY":
		if joining {
			return &st.priority
		}
	}
	return nil
}

// conflict compares what is stated with what the group was made with. TTL and GRACE never conflict, since
// each session has its own (SAFETY A18); a heartbeat and a vote time-out are the group's, the same for all.
func (st *statement) conflict(g *group) *caucus.Error {
	for _, o := range []struct {
		name   string
		stated *int64
		has    int64
	}{
		{"SETTLE", st.settle, g.settle}, {"MIN", st.min, g.min}, {"SLOTS", st.slots, g.slots},
		{"HEARTBEAT", st.heartbeat, g.heartbeat}, {"VOTETIMEOUT", st.voteTimeout, g.voteTimeout},
	} {
		if o.stated != nil && *o.stated != o.has {
			return caucus.Errorf(caucus.ErrConflict, "group '%s' has %s %d, not %d",
				g.name, o.name, o.has, *o.stated)
		}
	}
	if st.noLeader && !g.noLeader {
		return caucus.Errorf(caucus.ErrConflict, "group '%s' is of kind leader, not noleader", g.name)
	}
	return nil
}

// check checks the ranges, and gives what a session lives by that this statement opens in a group with the
// given TTL and GRACE.
func (st *statement) check(ttl, grace int64) (lifetime, *caucus.Error) {
	for _, o := range []struct {
		name      string
		stated    *int64
		low, high int64
	}{
		{"SETTLE", st.settle, 0, maxSettle}, {"SETTLE", st.usual, 0, maxSettle},
		{"MIN", st.min, 1, maxMin}, {"SLOTS", st.slots, 0, maxSlots},
		{"PRIORITY", st.priority, -maxPriority, maxPriority},
		{"VOTETIMEOUT", st.voteTimeout, minTimeout, maxTimeout},
	} {
		if err := within(o.name, o.stated, o.low, o.high); err != nil {
			return lifetime{}, err
		}
	}
	if n := orElse(st.heartbeat, 0); n != 0 && (n < minHeartbeat || n > maxHeartbeat) {
		return lifetime{}, caucus.Errorf(caucus.ErrBad, "HEARTBEAT must be 0 or from %d to %d, not %d",
			minHeartbeat, maxHeartbeat, n)
	}
	if st.meta != nil && len(*st.meta) > caucus.MaxMetadata {
		return lifetime{}, tooMuchMetadata(*st.meta)
	}
	return lifetimes(st.ttl, st.grace, ttl, grace)
}

func tooMuchMetadata(meta string) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "META may have %d bytes, not %d", caucus.MaxMetadata, len(meta))
}

// options gives what a new group is made with.
func (st *statement) options(l lifetime) options {
	return options{
		settle: orElse(st.settle, orElse(st.usual, defaultSettle)), ttl: l.ttl, grace: l.grace,
		min: orElse(st.min, 1), slots: orElse(st.slots, 0), noLeader: st.noLeader,
		heartbeat: orElse(st.heartbeat, 0), voteTimeout: orElse(st.voteTimeout, defaultTimeout),
	}
}

// sound checks what no option can know alone: that a member which speaks as often as its group asks outlives
// the loss of two heartbeats.
func (o options) sound() *caucus.Error {
	if o.heartbeat*beatsPerTTL <= o.ttl {
		return nil
	}
	return caucus.Errorf(caucus.ErrBad, "HEARTBEAT %d must be a third of TTL %d at most, so that two "+
		"heartbeats may be lost: state HEARTBEAT %d or less, or TTL %d or more",
		o.heartbeat, o.ttl, o.ttl/beatsPerTTL, o.heartbeat*beatsPerTTL)
}
