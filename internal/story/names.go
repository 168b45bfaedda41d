package story

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// names prints what differs from run to run: each kind of number or id gets names in the order in which its
// values appear.
type names struct {
	epochs, terms, lives, versions, sessions, polls, revisions *series

	clock int64 // what a client was told last of the ensemble's clock, unix milliseconds; 0 for nothing yet
}

func newNames() *names {
	return &names{epochs: newSeries("e"), terms: newSeries("t"), lives: newSeries("l"),
		versions: newSeries("v"), sessions: newSeries("s"), polls: newSeries("p"), revisions: newSeries("r")}
}

// series names the values of one kind: e1, e2 ...
type series struct {
	letter string
	known  map[string]string
}

func newSeries(letter string) *series { return &series{letter, map[string]string{"0": "0"}} }

// value gives the number of a name, the name itself when there is none.
func (s *series) value(name string) string {
	for value, known := range s.known {
		if known == name {
			return value
		}
	}
	return name
}

func (s *series) of(value string) string {
	if s.known[value] == "" {
		s.known[value] = s.letter + strconv.Itoa(len(s.known))
	}
	return s.known[value]
}

// nameOf gives the name of a value, the value itself when it has none.
func (s *series) nameOf(value string) string {
	if name := s.known[value]; name != "" {
		return name
	}
	return value
}

// named is a number's name, printed where the number would stand.
func (s *series) named(r caucus.Reply) caucus.Reply {
	if r.Kind != caucus.KindInt {
		return r
	}
	return word(s.of(r.Text()))
}

func word(s string) caucus.Reply { return caucus.Status(s) }

// reply gives the reply of a command in terms of names.
func (n *names) reply(cmd caucus.Command, r caucus.Reply) caucus.Reply {
	r.Items = slices.Clone(r.Items)
	switch {
	case r.Kind == caucus.KindError:
		word, _, _ := strings.Cut(r.Str, " ")
		if word == caucus.ErrGap.Word && (is(cmd, "group") || is(cmd, "changes")) {
			r.Str = word + " *" // numbers of the counter follow
		} else if is(cmd, "vote") && len(cmd) > 3 {
			r.Str = strings.ReplaceAll(r.Str, "poll "+cmd[3], "poll "+n.polls.nameOf(cmd[3]))
		}
	case is(cmd, "session", "open"):
		return word(n.sessions.of(r.Str))
	case is(cmd, "session", "keepalive") && len(cmd) == 2:
		if len(r.Items) == 3 {
			n.clock = r.Items[1].Int / 1000
		}
		return n.at(n.at(r, 1, nil), 2, n.versions)
	case is(cmd, "session", "info"), is(cmd, "group", "info"):
		return n.fields(r)
	case is(cmd, "group", "index"):
		return n.at(r, 2, n.epochs)
	case is(cmd, "group", "slots"):
		return n.at(r, 1, n.epochs)
	case is(cmd, "group", "leader"):
		return n.at(r, 1, n.terms)
	case is(cmd, "group", "resign"), is(cmd, "group", "transfer"), is(cmd, "lock", "acquire"):
		return n.terms.named(r)
	case is(cmd, "group", "events"):
		for i, item := range r.Items {
			r.Items[i] = word(n.event(item.Items[1].Str))
		}
	case is(cmd, "changes"):
		for i, item := range r.Items {
			item.Items = slices.Clone(item.Items)
			r.Items[i] = n.at(item, 0, n.revisions)
		}
	case is(cmd, "vote", "call"):
		return n.polls.named(r)
	case is(cmd, "group", "members"), is(cmd, "vote", "list"):
		for i, item := range r.Items {
			r.Items[i] = n.fields(item)
		}
	}
	return r
}

// number gives the number that was printed as a name: of a term, an epoch, a poll, a revision, or a life and
// what is added to it; the name "now" is of the ensemble's clock.
func (n *names) number(name string) string {
	name, more, _ := strings.Cut(name, "+")
	value := n.revisions.value(n.polls.value(n.terms.value(n.epochs.value(n.lives.value(name)))))
	if name == "now" {
		value = strconv.FormatInt(n.clock, 10)
	}
	life, err := strconv.ParseUint(value, 10, 64)
	plus, _ := strconv.ParseUint(more, 10, 64)
	if err != nil {
		return name
	}
	return strconv.FormatUint(life+plus, 10)
}

// at names one item of an array, or with no series leaves it out.
func (n *names) at(r caucus.Reply, i int, s *series) caucus.Reply {
	switch {
	case i >= len(r.Items):
	case s == nil:
		r.Items[i] = word("*")
	default:
		r.Items[i] = s.named(r.Items[i])
	}
	return r
}

// fields names the values of a map. A seq is counted from the beginning of its life.
func (n *names) fields(r caucus.Reply) caucus.Reply {
	r.Items = slices.Clone(r.Items)
	life := r.Field("life").Int
	for i := 0; i+1 < len(r.Items); i += 2 {
		r.Items[i+1] = n.field(r.Items[i].Str, r.Items[i+1], life)
	}
	return r
}

func (n *names) field(name string, v caucus.Reply, life int64) caucus.Reply {
	switch name {
	case "epoch":
		return n.epochs.named(v)
	case "term":
		return n.terms.named(v)
	case "life":
		return n.lives.named(v)
	case "seq", "oldest":
		return word("+" + strconv.FormatInt(v.Int-life, 10))
	case "id":
		return word(n.sessions.of(v.Str))
	case "poll":
		return n.polls.named(v)
	case "at":
		if !v.IsNil() {
			return word(n.since(v.Text()))
		}
	case "left", "node", "settles_in", "deadline":
		if !v.IsNil() {
			return word("*")
		}
	}
	return v
}

// since prints a time that a client chose, counted from what it was told last of the ensemble's clock.
func (n *names) since(millis string) string { return less(millis, strconv.FormatInt(n.clock, 10)) }

// pair is a field of an event, in the order in which it came.
type pair struct{ name, value string }

// event prints an event on one line: group, life, seq within the life, what happened. The time is left out;
// when a group settles at the earliest or a poll ends at the latest is counted from the event.
func (n *names) event(text string) string {
	pairs, err := parse(text)
	if err != nil {
		return fmt.Sprintf("%v: %s", err, text)
	}
	get := func(name string) string {
		i := slices.IndexFunc(pairs, func(p pair) bool { return p.name == name })
		if i < 0 {
			return ""
		}
		return pairs[i].value
	}
	group, event := strings.Trim(get("group"), `"`), strings.Trim(get("event"), `"`)
	line := fmt.Sprintf("%s/%s %s %s", group, n.lives.of(get("life")), less(get("seq"), get("life")), event)
	for _, p := range pairs {
		switch p.name {
		case "event", "group", "life", "seq", "time":
			continue
		case "epoch":
			p.value = n.epochs.of(p.value)
		case "term":
			p.value = n.terms.of(p.value)
		case "poll":
			p.value = n.polls.of(p.value)
		case "settles":
			p.value = less(p.value, get("time"))
		case "at", "deadline":
			p.value = n.limit(p.value, get("at"), get("time"))
		case "node", "sent", "received":
			p.value = "*"
		}
		line += " " + p.name + "=" + p.value
	}
	return line
}

// limit prints the end of a poll: as the time of its action if it is that, else counted from the event.
func (n *names) limit(value, at, time string) string {
	if value == at {
		return n.since(value)
	}
	return less(value, time)
}

// less prints a minus b.
func less(a, b string) string {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX != nil || errY != nil {
		return a
	}
	return fmt.Sprintf("%+d", x-y)
}

// parse takes a JSON object apart and keeps the order of its fields.
func parse(text string) ([]pair, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("an event is no JSON object: %w", err)
	}
	var pairs []pair
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("an event's field has no name: %w", err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("an event's field %v has no value: %w", name, err)
		}
		pairs = append(pairs, pair{fmt.Sprint(name), string(value)})
	}
	return pairs, nil
}
