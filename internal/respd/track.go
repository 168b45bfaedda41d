package respd

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// How many keys are remembered for one client, and of how many bytes. With more it is told to forget all of
// them.
const (
	maxTracked      = 100_000
	maxTrackedBytes = 16 << 20
)

// tracking is what the door knows of a client that caches what it has read (CLIENT TRACKING): it is told once
// of each key that it has read when the key changes. A client that it told of a change before the answer that
// was read before the change would keep that answer for ever, so nothing is told while answers are under way.
//
// The gate guards it, but whether it is on, which only who owns the connection says and asks.
type tracking struct {
	on       bool
	bcast    bool // it is told of all keys with its prefixes, whether it has read them or not
	optIn    bool // only what is read after CLIENT CACHING YES counts
	optOut   bool // what is read after CLIENT CACHING NO does not count
	said     bool // CLIENT CACHING was said for the command, or transaction, that follows
	multi    bool // a transaction is being gathered, as far as this pipeline tells before it is answered
	busy     bool // answers are under way
	keys     map[string]struct{}
	prefixes []string
	missed   []string // keys that have changed while it was busy
	flushed  bool     // all keys have
	bytes    int      // of keys
	lost     int      // bytes of missed
}

// track takes note of what a gathered command reads, before it is carried out.
func (c *client) track(cmd caucus.Command, spec *command.Spec) {
	c.gate.Lock()
	defer c.gate.Unlock()
	t := &c.tracking
	switch spec.Name {
	case "multi":
		t.multi = true
		return
	case "exec", "discard":
		t.multi, t.said = false, false
		return
	}
	wanted := !t.optIn && !t.optOut || t.said == t.optIn
	if !t.multi {
		t.said = false
	}
	if _, waits := spec.Waits(cmd); !spec.Has(command.ReadOnly) || waits && !t.multi {
		return // what may wait reads no key, and nothing is held back for as long as it does
	}
	t.busy = true
	if wanted && !t.bcast {
		for _, key := range spec.Keys(cmd) {
			c.trackKey(key)
		}
	}
}

func (c *client) trackKey(key string) {
	t := &c.tracking
	if _, ok := t.keys[key]; ok {
		return
	}
	if len(t.keys) >= maxTracked || t.bytes+len(key) > maxTrackedBytes {
		t.flushed = true
		return
	}
	key = strings.Clone(key)
	t.keys[key] = struct{}{}
	t.bytes += len(key)
	c.sub.Subscribe(waist.TrackChannels + key)
}

// tracked says whether a change is to be told to the client now. The gate is held.
func (c *client) tracked(m *waist.Message) bool {
	t := &c.tracking
	key, one := strings.CutPrefix(m.Channel, waist.TrackChannels)
	_, known := t.keys[key]
	switch {
	case !t.on || one && !known && m.Pattern == "":
		return false
	case t.busy:
		t.miss(key, one)
		return false
	case one:
		c.untrack(key)
	default:
		c.untrackAll()
	}
	return true
}

// miss keeps for later that a key has changed, or all of them.
func (t *tracking) miss(key string, one bool) {
	switch {
	case t.flushed:
	case one && len(t.missed) < maxTracked && t.lost+len(key) <= maxTrackedBytes:
		t.missed = append(t.missed, key)
		t.lost += len(key)
	default:
		t.flushed, t.missed, t.lost = true, nil, 0
	}
}

func (c *client) untrack(key string) {
	if _, ok := c.tracking.keys[key]; ok {
		delete(c.tracking.keys, key)
		c.tracking.bytes -= len(key)
		c.sub.Unsubscribe(waist.TrackChannels + key)
	}
}

func (c *client) untrackAll() {
	for key := range c.tracking.keys {
		c.untrack(key)
	}
}

// catchUp tells, after answers, what has changed while they were under way.
func (c *client) catchUp() {
	c.gate.Lock()
	defer c.gate.Unlock()
	t := &c.tracking
	if t.multi = c.multi.Load(); !t.busy || t.multi {
		return
	}
	t.busy = false
	if t.flushed {
		t.flushed, t.missed = false, nil
		c.untrackAll()
		c.out.add(c.proto, invalidation(caucus.Nil()))
	}
	for _, key := range t.missed {
		c.untrack(key)
		c.out.add(c.proto, invalidation(caucus.Bulks(key)))
	}
	t.missed, t.lost = nil, 0
}

// invalidation is how a client is told of keys, nil for all of them.
func invalidation(keys caucus.Reply) caucus.Reply {
	return caucus.Push(caucus.Bulk("invalidate"), keys)
}

// isTracked says whether a message of the feed is about a change that clients who cache are told of.
func isTracked(m *waist.Message) bool {
	return m.Channel == waist.TrackAll || strings.HasPrefix(m.Channel, waist.TrackChannels)
}

func appendInvalidation(dst []byte, proto int, m *waist.Message) []byte {
	if key, one := strings.CutPrefix(m.Channel, waist.TrackChannels); one {
		return resp.Append(dst, proto, invalidation(caucus.Bulks(key)))
	}
	return resp.Append(dst, proto, invalidation(caucus.Nil()))
}

// setTracking answers CLIENT TRACKING.
func (c *client) setTracking(args caucus.Command) caucus.Reply {
	switch {
	case strings.EqualFold(args[0], "OFF"):
		c.gate.Lock()
		defer c.gate.Unlock()
		c.stopTracking()
		return caucus.OK()
	case !strings.EqualFold(args[0], "ON"):
		return caucus.Fail(caucus.ErrBad, "syntax error")
	}
	wanted, err := trackingOf(args[1:])
	if err == nil && c.proto != 3 {
		err = caucus.Errorf(caucus.ErrBad, "CLIENT TRACKING needs RESP3 here: say HELLO 3 first")
	}
	c.gate.Lock()
	defer c.gate.Unlock()
	t := &c.tracking
	if err == nil && t.on && t.bcast != wanted.bcast {
		err = caucus.Errorf(caucus.ErrBad, "You can't switch BCAST mode on/off before disabling tracking for this "+
			"client, and then re-enabling it with a different mode.")
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if c.sub == nil {
		c.attend()
	}
	wanted.on, wanted.keys, wanted.bytes = true, t.keys, t.bytes
	if wanted.keys == nil {
		wanted.keys = map[string]struct{}{}
	}
	wanted.prefixes = append(t.prefixes, wanted.prefixes...)
	if *t = wanted; t.bcast {
		if len(t.prefixes) == 0 {
			t.prefixes = []string{""}
		}
		for _, prefix := range t.prefixes {
			c.sub.PSubscribe(patternOf(prefix))
		}
	}
	c.sub.Subscribe(waist.TrackAll)
	return caucus.OK()
}

// trackingOf reads the options of CLIENT TRACKING ON. NOLOOP is taken and means nothing: a client is told of
// its own changes too, which does no harm.
func trackingOf(options caucus.Command) (t tracking, err *caucus.Error) {
	for i := 0; i < len(options); i++ {
		switch word := strings.ToUpper(options[i]); {
		case word == "BCAST":
			t.bcast = true
		case word == "OPTIN":
			t.optIn = true
		case word == "OPTOUT":
			t.optOut = true
		case word == "NOLOOP":
		case word == "PREFIX" && i+1 < len(options):
			i++
			for _, other := range t.prefixes {
				if strings.HasPrefix(other, options[i]) || strings.HasPrefix(options[i], other) {
					return t, caucus.Errorf(caucus.ErrBad, "Prefix '%.64s' overlaps with another provided prefix "+
						"'%.64s'. Prefixes for a single client must not overlap.", options[i], other)
				}
			}
			t.prefixes = append(t.prefixes, strings.Clone(options[i]))
		case word == "REDIRECT":
			return t, caucus.Errorf(caucus.ErrBad, "REDIRECT is not supported: use RESP3, in which the connection "+
				"that reads is told itself")
		default:
			return t, caucus.Errorf(caucus.ErrBad, "syntax error")
		}
	}
	switch {
	case len(t.prefixes) > 0 && !t.bcast:
		err = caucus.Errorf(caucus.ErrBad, "PREFIX option requires BCAST mode to be enabled")
	case t.bcast && (t.optIn || t.optOut):
		err = caucus.Errorf(caucus.ErrBad, "OPTIN and OPTOUT are not compatible with BCAST")
	case t.optIn && t.optOut:
		err = caucus.Errorf(caucus.ErrBad, "You can't specify both OPTIN mode and OPTOUT mode")
	}
	return t, err
}

// patternOf gives the pattern of the channels of all keys that begin so.
func patternOf(prefix string) string {
	plain := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)
	return waist.TrackChannels + plain.Replace(prefix) + "*"
}

// stopTracking forgets everything. The gate is held.
func (c *client) stopTracking() {
	t := &c.tracking
	if !t.on {
		return
	}
	c.untrackAll()
	for _, prefix := range t.prefixes {
		c.sub.PUnsubscribe(patternOf(prefix))
	}
	c.sub.Unsubscribe(waist.TrackAll)
	*t = tracking{}
}

// setCaching answers CLIENT CACHING YES|NO.
func (c *client) setCaching(word string) caucus.Reply {
	c.gate.Lock()
	defer c.gate.Unlock()
	t := &c.tracking
	yes, no := strings.EqualFold(word, "YES"), strings.EqualFold(word, "NO")
	switch {
	case !t.on || !t.optIn && !t.optOut:
		return caucus.Fail(caucus.ErrBad, "CLIENT CACHING can be called only when the client is in tracking mode "+
			"with OPTIN or OPTOUT mode enabled")
	case yes && !t.optIn:
		return caucus.Fail(caucus.ErrBad, "CLIENT CACHING YES is only valid when tracking is enabled in "+
			"OPTIN mode.")
	case no && !t.optOut:
		return caucus.Fail(caucus.ErrBad, "CLIENT CACHING NO is only valid when tracking is enabled in "+
			"OPTOUT mode.")
	case !yes && !no:
		return caucus.Fail(caucus.ErrBad, "syntax error")
	}
	t.said = true
	return caucus.OK()
}

// trackingInfo answers CLIENT TRACKINGINFO.
func (c *client) trackingInfo() caucus.Reply {
	c.gate.Lock()
	defer c.gate.Unlock()
	t := &c.tracking
	flags, redirect := []string{"off"}, int64(-1)
	if t.on {
		flags, redirect = []string{"on"}, 0
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"bcast", t.bcast}, {"optin", t.optIn}, {"optout", t.optOut},
		{"caching-yes", t.optIn && t.said}, {"caching-no", t.optOut && t.said}} {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	set := caucus.Bulks(flags...)
	set.Kind = caucus.KindSet
	return caucus.Map(caucus.Bulk("flags"), set, caucus.Bulk("redirect"), caucus.Int(redirect),
		caucus.Bulk("prefixes"), caucus.Bulks(t.prefixes...))
}

// redirection answers CLIENT GETREDIR: nothing is ever told to another connection.
func (c *client) redirection() caucus.Reply {
	c.gate.Lock()
	defer c.gate.Unlock()
	if c.tracking.on {
		return caucus.Int(0)
	}
	return caucus.Int(-1)
}
