package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/caucus-project/caucus"
)

// Event is something that happened in a group. Which fields an event has depends on its kind; the others are
// zero. Times are unix milliseconds on the ensemble's clock.
type Event struct {
	Kind  string `json:"event"` // joined, left, leader, settled, vote, result, action, deleted ...
	Group string `json:"group"`
	Life  uint64 `json:"life"` // which incarnation of the group's name this is
	Seq   uint64 `json:"seq"`  // without gaps within a life, the same on every node
	Time  int64  `json:"time"`

	Member   string `json:"member"`
	Order    uint64 `json:"order"` // when the member joined, as a number that only rises
	Priority int    `json:"priority"`
	Node     string `json:"node"`
	Metadata string `json:"metadata"` // any bytes
	Size     int    `json:"size"`     // members after the event
	Reason   string `json:"reason"`
	Previous string `json:"previous"` // who led before
	Term     uint64 `json:"term"`
	Settles  int64  `json:"settles"` // when the group settles at the earliest
	Epoch    uint64 `json:"epoch"`
	Total    int    `json:"total"`

	Poll       uint64 `json:"poll"`
	Topic      string `json:"topic"` // any bytes
	VoteKind   string `json:"kind"`  // majority or consensus; of a message, for whom it is
	Caller     string `json:"caller"`
	Electorate int    `json:"electorate"`
	Deadline   int64  `json:"deadline"`
	At         int64  `json:"at"` // when to do what is voted on, 0 for a plain vote
	Outcome    string `json:"outcome"`
	Yes        int    `json:"yes"`
	No         int    `json:"no"`

	// Of messages. Of the kinds all, leader, member and ordered only the last has a Seq; the others have N,
	// counted from 1 within a Part for the same receivers, so that a gap shows what was missed.
	Sender   string `json:"sender"` // "" for one who is not a member
	Part     uint64 `json:"part"`
	N        uint64 `json:"n"`
	To       string `json:"to"`
	Payload  string `json:"payload"`  // any bytes
	Sent     int64  `json:"sent"`     // unix microseconds on the ensemble's clock
	Received int64  `json:"received"` // likewise

	Raw string `json:"-"` // the whole event as it came
}

// ParseEvent reads an event as the ensemble publishes it.
func ParseEvent(payload string) (Event, error) {
	var e struct {
		Event
		Metadata64 *string `json:"metadata_b64"`
		Topic64    *string `json:"topic_b64"`
		Payload64  *string `json:"payload_b64"`
	}
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		return Event{Raw: payload}, fmt.Errorf("client: an event that is none: %w", err)
	}
	for _, field := range []struct {
		coded *string
		into  *string
	}{{e.Metadata64, &e.Metadata}, {e.Topic64, &e.Topic}, {e.Payload64, &e.Payload}} {
		if field.coded == nil {
			continue
		}
		bytes, err := base64.StdEncoding.DecodeString(*field.coded)
		if err != nil {
			return Event{Raw: payload}, fmt.Errorf("client: the bytes of an event: %w", err)
		}
		*field.into = string(bytes)
	}
	e.Raw = payload
	return e.Event, nil
}

// Events gives the events of a group from now on, on a connection of its own, until ctx ends or the loop is
// left. It ends with the first error: then events may have been missed, so read what you need of the group
// anew after the next call's first event, or compare Seq.
func (c *Client) Events(ctx context.Context, group string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		e, err := c.hear(ctx, "", caucus.EventChannel(group))
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer e.close()
		for {
			payload, err := e.next()
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(Event{}, fmt.Errorf("client: events of %s: %w", group, err))
				return
			}
			if event, err := ParseEvent(payload); !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// hear subscribes on any node, trying them in turn for at most Config.Timeout.
func (c *Client) hear(ctx context.Context, after string, channels ...string) (*ear, error) {
	within, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var wait pause
	for {
		var last error
		for _, addr := range c.book.all(after) {
			e, err := c.cfg.listen(ctx, addr, channels...)
			if err == nil {
				return e, nil
			}
			if final(err) {
				return nil, err
			}
			last = err
		}
		if err := wait.wait(within); err != nil {
			return nil, notApplied(last, err)
		}
	}
}
