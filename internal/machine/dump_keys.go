package machine

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// dumpElement is an element of what a key holds: the field of a hash with its value, or the member of a set,
// or one with its score.
type dumpElement struct {
	Field     *string `json:"field,omitempty"`
	FieldB64  []byte  `json:"field_b64,omitempty"`
	Member    *string `json:"member,omitempty"`
	MemberB64 []byte  `json:"member_b64,omitempty"`
	Value     *string `json:"value,omitempty"`
	ValueB64  []byte  `json:"value_b64,omitempty"`
	Score     *string `json:"score,omitempty"` // a number, inf or -inf
}

func (d *dumper) keys(s *state) {
	names := make([]string, 0, s.keys.count)
	s.keys.from(0, func(_ uint64, it *item) bool {
		names = append(names, it.key)
		return true
	})
	slices.Sort(names)
	for _, name := range names {
		it, _ := s.keys.find(name)
		line := dumpKey{Type: it.kind.name(), Expires: it.expireAt}
		line.Key, line.KeyB64 = readable(it.key)
		if it.kind.hasBody() {
			line.Elements = dumpElements(s.keys.bodyOf(it.value))
		} else {
			line.Value, line.ValueB64 = readable(it.text)
		}
		if !d.line(line) {
			return
		}
	}
}

// dumpElements gives the elements of a body in an order that is the same in every ensemble, so that two dumps
// can be compared.
func dumpElements(b *body) []dumpElement {
	all := b.inOrder()
	lines := make([]dumpElement, len(all))
	for i, e := range all {
		lines[i] = e.dumped(b.is)
	}
	return lines
}

func (e *element) dumped(is kind) (d dumpElement) {
	switch is {
	case kindHash:
		d.Field, d.FieldB64 = readable(e.name)
		d.Value, d.ValueB64 = readable(e.value)
	case kindSet:
		d.Member, d.MemberB64 = readable(e.name)
	case kindList:
		d.Value, d.ValueB64 = readable(e.value)
	case kindZset:
		d.Member, d.MemberB64 = readable(e.name)
		score := scoreWritten(e.score, -1)
		d.Score = &score
	}
	return d
}

// element gives back what dumped was given.
func (d *dumpElement) element(is kind) (e element, err error) {
	switch is {
	case kindHash:
		e.name, err = unreadable("field", d.Field, d.FieldB64)
		if err == nil {
			e.value, err = unreadable("value", d.Value, d.ValueB64)
		}
	case kindSet:
		e.name, err = unreadable("member", d.Member, d.MemberB64)
	case kindList:
		e.value, err = unreadable("value", d.Value, d.ValueB64)
	case kindZset:
		e.name, err = unreadable("member", d.Member, d.MemberB64)
		if err == nil {
			e.score, err = d.score()
		}
	}
	again := e.dumped(is)
	if err == nil && d.fields() != again.fields() {
		err = fmt.Errorf("it has a field that an element of a %s has not", is.name())
	}
	return e, err
}

// fields says which fields an element has.
func (d *dumpElement) fields() [4]bool {
	return [...]bool{d.Field != nil || d.FieldB64 != nil, d.Member != nil || d.MemberB64 != nil,
		d.Value != nil || d.ValueB64 != nil, d.Score != nil}
}

func (d *dumpElement) score() (float64, error) {
	if d.Score == nil {
		return 0, errors.New(`it has no "score"`)
	}
	score, err := double(*d.Score)
	if err != nil {
		return 0, fmt.Errorf("the score is %.40q, and should be a number", *d.Score)
	}
	return score, nil
}

// content gives what a key of a dump holds: a string, or elements.
func (k *dumpKey) content(is kind) (value string, all []element, err error) {
	if !is.hasBody() {
		if k.Elements != nil {
			return "", nil, errors.New(`a string has no "elements"`)
		}
		value, err = unreadable("value", k.Value, k.ValueB64)
		return value, nil, err
	}
	switch {
	case k.Value != nil || k.ValueB64 != nil:
		return "", nil, fmt.Errorf(`a %s has "elements" and no "value"`, is.name())
	case len(k.Elements) == 0:
		return "", nil, fmt.Errorf(`a %s has at least one of "elements"`, is.name())
	}
	all = make([]element, len(k.Elements))
	b := newBody(is, hashing{})
	for i := range k.Elements {
		if all[i], err = k.Elements[i].element(is); err != nil {
			return "", nil, fmt.Errorf("element %d: %w", i+1, err)
		}
		if !b.add(all[i]) {
			return "", nil, fmt.Errorf("element %d stands here for the second time", i+1)
		}
	}
	return "", all, nil
}

// founded makes the body that a dump tells of.
func founded(is kind, all []element, h hashing) *body {
	b := newBody(is, h)
	for _, e := range all {
		b.add(e)
		b.grown(e.name, e.value)
	}
	return b
}

// readable gives text that people can read as it is, and any other bytes as such, for base64.
func readable(s string) (text *string, raw []byte) {
	if !utf8.ValidString(s) {
		return nil, []byte(s)
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' && c != '\r' {
			return nil, []byte(s)
		}
	}
	return &s, nil
}

// unreadable gives back what readable was given.
func unreadable(name string, text *string, raw []byte) (string, error) {
	switch {
	case text != nil && raw != nil:
		return "", fmt.Errorf("it has both %q and %q", name, name+"_b64")
	case text != nil:
		return *text, nil
	case raw != nil:
		return string(raw), nil
	}
	return "", fmt.Errorf("it has neither %q nor %q", name, name+"_b64")
}
