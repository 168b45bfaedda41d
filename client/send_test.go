package client_test

import (
	"testing"

	"github.com/caucus-project/caucus/client"
)

// A message is an event like others, and its payload any bytes.
func TestMessagesAreEvents(t *testing.T) {
	e, err := client.ParseEvent(`{"event":"message","group":"g","life":1,"n":2,"time":3,"sender":"s","part":4,` +
		`"kind":"all","to":null,"term":5,"payload_b64":"/w==","sent":6,"received":7}`)
	want := client.Event{Kind: "message", Group: "g", Life: 1, N: 2, Time: 3, Sender: "s", Part: 4,
		VoteKind: "all", Term: 5, Payload: "\xff", Sent: 6, Received: 7, Raw: e.Raw}
	if err != nil || e != want {
		t.Errorf("%+v, %v, want %+v", e, err, want)
	}
}
