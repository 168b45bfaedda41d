package follow

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/caucus-project/caucus"
)

// Event is something to hand out: an event of the log, a message beside it, or a gap.
type Event struct {
	Kind string // joined, left ... as the event says of itself; GapKind for a gap
	// Seq of the event, 0 for a message beside the log. Who has read a gap goes on behind its Seq; that is
	// 0 too when nothing is left to go on with.
	Seq  uint64
	JSON string // the whole event
}

// GapKind is the kind of what stands for events that were missed. Its JSON says from which seq on they are
// missing, which is the oldest that follows (null when the group has ended), and what GROUP INFO says of the
// group (null likewise).
const GapKind = "gap"

// Place is how far a reader has come in the events of one group. Seq rises from one life of a group's name to
// the next (SAFETY A16), so one number is all there is to compare. It is used by one goroutine at a time.
type Place struct {
	group string
	known bool   // seq says something; not yet so for who reads from now on
	seq   uint64 // of the newest event that was handed out
	// between says that no life of the group is under way as far as was read: the next event may be the
	// first of one, and then nothing is missing before it.
	between bool
	next    question
	held    heard // what was heard and cannot be handed out before what is missing
	beside  beside
}

// question is what has to be asked before anything can be handed out.
type question uint8

const (
	nothing question = iota
	info             // GROUP INFO: how far the group is, and how far back can be read
	events           // GROUP EVENTS: what was missed
)

// heard is what tells an event's place.
type heard struct {
	Event string
	Life  uint64
	Seq   uint64
	Kind  string // of a message, for whom it is
	Part  uint64
	N     uint64 // of a message beside the log
	json  string
}

// Now begins with what happens after the first answer.
func Now(group string) *Place { return &Place{group: group, next: info} }

// From begins with the event of that seq, which is read again; with 0 or 1 at the beginning of the life.
func From(group string, seq uint64) *Place {
	p := &Place{group: group, next: info, known: true, between: seq <= 1}
	if seq > 0 {
		p.seq = seq - 1
	}
	return p
}

// Lost says that events may have gone by unheard: the connection was lost, or listening begins anew.
func (p *Place) Lost() { p.next, p.held = info, heard{} }

// Ask gives what must be asked now, by a linearizable read that begins after listening has; false when
// nothing must, and what is heard may be handed in.
func (p *Place) Ask() (caucus.Command, bool) {
	switch p.next {
	case info:
		return caucus.Command{"GROUP", "INFO", p.group}, true
	case events:
		return caucus.Command{"GROUP", "EVENTS", p.group, "FROM", strconv.FormatUint(p.seq+1, 10)}, true
	}
	return nil, false
}

// Answered takes the answer to what Ask gave, and gives what can be handed out now. After an error, which is
// that of the answer, the same is to be asked again.
func (p *Place) Answered(r caucus.Reply) (out []Event, err error) {
	switch refused := r.Err(); {
	case errors.Is(refused, caucus.ErrNoGroup):
		out = p.absent()
	case errors.Is(refused, caucus.ErrGap):
		p.next = info // more was let go since
	case refused != nil:
		err = refused
	case p.next == info:
		out, err = p.informed(r)
	default:
		out, err = p.caughtUp(r)
	}
	if err == nil && p.next == nothing {
		out = append(out, p.release()...)
	}
	return out, err
}

// absent notes that there is no such group. If its last event has not been read, it cannot be any more; what
// is missing before one that is held is for release to say.
func (p *Place) absent() (out []Event) {
	p.next = nothing
	if p.held.Seq > 0 {
		return nil
	}
	if p.known && !p.between {
		out = append(out, p.gap(0, "null"))
	}
	p.known, p.between = true, true
	return out
}

// informed takes GROUP INFO.
func (p *Place) informed(r caucus.Reply) (out []Event, err error) {
	number := func(name string) uint64 { return uint64(r.Field(name).Int) } // they begin at 1
	life, seq, oldest := number("life"), number("seq"), number("oldest")
	if life == 0 || seq == 0 || oldest == 0 {
		return nil, fmt.Errorf("GROUP INFO answered %v", r)
	}
	switch {
	case !p.known:
		p.known, p.seq = true, seq
	case oldest > p.seq+1, seq < p.seq: // too far behind; or the ensemble was made anew, and numbers differently
		if !p.between || oldest != life+1 {
			out = append(out, p.gap(oldest, object(r)))
		}
		p.seq = oldest - 1
	}
	p.between, p.next = false, nothing
	if seq > p.seq {
		p.next = events
	}
	return out, nil
}

// caughtUp takes GROUP EVENTS.
func (p *Place) caughtUp(r caucus.Reply) (out []Event, err error) {
	for _, item := range r.Items {
		if len(item.Items) != 2 {
			return nil, fmt.Errorf("GROUP EVENTS answered %v", item)
		}
		h, err := read(item.Items[1].Text())
		if err != nil {
			return nil, err
		}
		out = append(out, p.take(h))
	}
	p.next = nothing
	return out, nil
}

// Heard takes what was published, when Ask has nothing to ask, and gives what can be handed out now.
func (p *Place) Heard(payload string) ([]Event, error) {
	h, err := read(payload)
	switch {
	case err != nil:
		return nil, err
	case h.N > 0 && !p.beside.isNew(h):
		return nil, nil
	case h.Seq == 0:
		return []Event{{h.Event, 0, payload}}, nil
	case p.follows(h):
		return []Event{p.take(h)}, nil
	case h.Seq > p.seq, p.between: // an old number where no old life is: the ensemble may have been made anew
		p.next, p.held = info, h
	}
	return nil, nil
}

// release hands out what was held, when all that can be read before it has been.
func (p *Place) release() (out []Event) {
	h := p.held
	p.held = heard{}
	if h.Seq <= p.seq {
		return nil
	}
	if !p.follows(h) {
		out = append(out, p.gap(h.Seq, "null"))
	}
	return append(out, p.take(h))
}

// follows says whether nothing is missing before an event.
func (p *Place) follows(h heard) bool {
	return h.Seq == p.seq+1 || p.between && h.Seq == h.Life+1 && h.Seq > p.seq
}

func (p *Place) take(h heard) Event {
	p.seq, p.between = h.Seq, h.Event == "deleted"
	return Event{h.Event, h.Seq, h.json}
}

func (p *Place) gap(oldest uint64, info string) Event {
	e := Event{Kind: GapKind, Seq: max(oldest, 1) - 1}
	json := append([]byte(nil), `{"event":"gap","group":"`+p.group+`","from":`...)
	json = strconv.AppendUint(json, p.seq+1, 10)
	json = append(json, `,"oldest":`...)
	if oldest == 0 {
		json = append(json, "null"...)
	} else {
		json = strconv.AppendUint(json, oldest, 10)
	}
	e.JSON = string(json) + `,"info":` + info + `}`
	return e
}

func read(payload string) (heard, error) {
	h := heard{json: payload}
	if err := json.Unmarshal([]byte(payload), &h); err != nil {
		return h, fmt.Errorf("an event that is none: %w", err)
	}
	return h, nil
}

// object writes a map of numbers and strings as JSON, in its order.
func object(m caucus.Reply) string {
	text := []byte{'{'}
	quote := func(s string) { text = append(text, quoted(s)...) }
	for i := 0; i+1 < len(m.Items); i += 2 {
		if i > 0 {
			text = append(text, ',')
		}
		quote(m.Items[i].Text())
		text = append(text, ':')
		switch v := m.Items[i+1]; v.Kind {
		case caucus.KindInt:
			text = strconv.AppendInt(text, v.Int, 10)
		case caucus.KindNil:
			text = append(text, "null"...)
		default:
			quote(v.Text())
		}
	}
	return string(append(text, '}'))
}

func quoted(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // no string is one that JSON cannot write
	}
	return text
}
