package client

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
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

	// Of slots that a member was granted, is asked to release, or has released: ranges such as "0-127,300".
	Granted  string `json:"granted"`
	Revoking string `json:"revoking"`
	Released string `json:"released"`

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

	// Of a gap, which no node publishes: what stands for events that were missed and can be read no more. They
	// begin with From; those from Oldest on follow, or none when it is 0, since the group has ended.
	From   uint64 `json:"from"`
	Oldest uint64 `json:"oldest"`

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
