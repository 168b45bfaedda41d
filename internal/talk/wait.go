package talk

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
)

// Wait says for what and how long the answer of a plan may be waited for while it is empty (SAFETY B7).
//
// One whose plan is given a place in line is ended by the state: Millis only says when that should have
// happened at the latest. The state names it by the connection and request of Forsake.
type Wait struct {
	Channel string // a message there means that it is worth reading again; "" when in line
	Millis  int64  // 0 for no limit
	// Keys says that the channel is ChangesChannel, which is the node's own, and not one of events.
	Keys bool
	// Matters says whether a message there, by its payload, can be what is waited for; nil: each can. Without
	// it a thousand who wait would read anew at every message that goes through their group.
	Matters func(payload string) bool
	// Again are the steps that read how a place in line stands; nil for other waits.
	Again []entry.Step
	// Forsake is the report that nobody waits any more in line.
	Forsake entry.Op
	// Broken is what a client is told of a place in line whose end will not be known.
	Broken *caucus.Error
	// Retell answers from the messages that came while it was waited, payloads in order, in place of a
	// state that has let go of what was asked for. It says no when they do not answer it either. Nil: they
	// never do.
	Retell func(payloads []string) (caucus.Reply, bool)

	changes  *changesWait // of a CHANGES, else nil
	numbered bool         // the place in line has a number, which its answer will tell
}

// InLine says whether what is waited for has a place in the state.
func (w *Wait) InLine() bool { return w.Again != nil }

// Waiting says whether what the plan's step came to is still no answer, and takes note of how far it goes. It
// is asked after each reading.
func (p *Plan) Waiting(results []entry.Result) bool {
	if p.Wait == nil || len(results) != 1 {
		return false
	}
	r := results[0].Reply
	switch {
	case p.Wait.InLine():
		return p.Wait.inLine(r)
	case p.Wait.changes != nil:
		return p.Wait.changes.waiting(r)
	}
	return r.IsNil() || r.Kind == caucus.KindArray && len(r.Items) == 0
}

// inLine says whether the answer is that there is a place in line, and notes by which number it is found
// again.
func (w *Wait) inLine(r caucus.Reply) bool {
	if r.Kind == caucus.KindPush && w.numbered {
		op := *w.Again[0].Op // what was handed in may be looked at still
		op.Args = caucus.Command{".inpop", r.Items[1].Text()}
		w.Again, w.numbered = []entry.Step{{Op: &op}}, false
	}
	return r.Kind == caucus.KindPush
}

// Anew gives the steps that read again.
func (p *Plan) Anew() []entry.Step {
	if p.Wait.changes != nil {
		return p.Wait.changes.again(p.Steps[0].Op)
	}
	return p.Steps
}

// wait plans a read that may wait. It is a plan of its own: what stands before it in the pipeline should be
// answered before, and what stands behind it is carried out after.
func (t *Talk) wait(p *Plan, s *command.Spec, cmd caucus.Command, millis int64) verdict {
	if len(p.items) > 0 {
		return notNow
	}
	t.firmStep(p, false, cmd)
	if s.Name == "changes" {
		w := newChangesWait(cmd)
		p.Wait = &Wait{Channel: ChangesChannel, Millis: millis, Keys: true, Matters: w.matters, changes: w}
		p.last(read, &extra{changes: w})
		return stopAfter
	}
	retell, matters := retellEvents, isNumbered
	if s.Name == "vote|result" {
		retell, matters = retellResult, endsPolls
	}
	p.Wait = &Wait{Channel: caucus.EventChannel(cmd[2]), Millis: millis, Matters: matters,
		Retell: func(payloads []string) (caucus.Reply, bool) { return retell(cmd, payloads) }}
	p.last(plain, nil)
	return stopAfter
}

// acquire plans LOCK ACQUIRE. One that may wait is a plan of its own, and what it then waits for is how its
// place in the line ends.
func (t *Talk) acquire(p *Plan, s *command.Spec, cmd caucus.Command) verdict {
	millis, waits := s.Waits(cmd)
	if !waits {
		return t.enter(p, cmd, 0)
	}
	if len(p.items) > 0 {
		return notNow
	}
	t.enter(p, cmd, 0)
	group := caucus.LockGroup(cmd[2])
	again := aboutWait(p.Steps[0].Op, ".inline", group)
	p.Wait = &Wait{Millis: millis, Again: []entry.Step{{Op: &again}},
		Forsake: aboutWait(p.Steps[0].Op, ".forsake", group), Broken: errLockUnknown}
	return stopAfter
}

var (
	errLockUnknown = caucus.Errorf(caucus.ErrUncertain, "the wait was broken off before its end was known; "+
		"ask again: who holds the lock by now is answered its term")
	errPopUnknown = caucus.Errorf(caucus.ErrUncertain, "the wait was broken off before its end was known; "+
		"what was taken meanwhile is lost to this client")
)

// pop plans a command that takes elements and may wait for some. It is a plan of its own, as an ACQUIRE
// that may wait.
func (t *Talk) pop(p *Plan, cmd caucus.Command, millis int64) verdict {
	if len(p.items) > 0 {
		return notNow
	}
	op := t.firmStep(p, true, cmd)
	p.Wait = &Wait{Millis: millis, Again: []entry.Step{{Op: new(aboutWait(op, ".inpop", "0"))}},
		Forsake: aboutWait(op, ".quitpop"), Broken: errPopUnknown, numbered: true}
	p.last(plain, nil)
	return stopAfter
}

// aboutWait is an operation of the node's own about the wait of another.
func aboutWait(of *entry.Op, args ...string) entry.Op {
	return entry.Op{Conn: of.Conn, Request: of.Request, Session: of.Session, Fresh: of.Fresh, Args: args}
}

// isNumbered says whether an event is one that can be read again; a plain message cannot. A string in JSON
// has no quotation mark without a backslash before it, so that no payload looks like the field.
func isNumbered(payload string) bool { return strings.Contains(payload, `,"seq":`) }

// endsPolls says whether an event may be the end of a poll.
func endsPolls(payload string) bool {
	return strings.HasPrefix(payload, `{"event":"result"`) || strings.HasPrefix(payload, `{"event":"deleted"`)
}

// retellEvents answers EVENTS from events that were heard: FROM and what follows it without a gap, COUNT at
// most.
func retellEvents(cmd caucus.Command, payloads []string) (caucus.Reply, bool) {
	next, count := uint64(0), len(payloads)
	for i := 3; i+1 < len(cmd); i += 2 {
		n, err := strconv.ParseUint(cmd[i+1], 10, 62)
		switch {
		case err != nil:
			return caucus.Reply{}, false
		case strings.EqualFold(cmd[i], "FROM"):
			next = n
		case strings.EqualFold(cmd[i], "COUNT"):
			count = int(min(n, uint64(count)))
		}
	}
	items := []caucus.Reply{}
	for _, payload := range payloads {
		var event struct{ Seq uint64 }
		if json.Unmarshal([]byte(payload), &event) != nil || event.Seq != next || len(items) == count {
			continue
		}
		items = append(items, caucus.Array(caucus.Int(int64(event.Seq)), caucus.Bulk(payload)))
		next++
	}
	return caucus.Array(items...), len(items) > 0
}

// retellResult answers RESULT from the event that told it. The group may have ended since, and the poll with
// it.
func retellResult(cmd caucus.Command, payloads []string) (caucus.Reply, bool) {
	poll, err := strconv.ParseUint(cmd[3], 10, 63)
	if err != nil {
		return caucus.Reply{}, false
	}
	for _, payload := range payloads {
		var e struct {
			Event, Outcome      string
			Poll                uint64
			Yes, No, Electorate int64
		}
		if json.Unmarshal([]byte(payload), &e) == nil && e.Event == "result" && e.Poll == poll {
			return caucus.Array(caucus.Bulk(e.Outcome), caucus.Int(e.Yes), caucus.Int(e.No),
				caucus.Int(e.Electorate)), true
		}
	}
	return caucus.Reply{}, false
}
