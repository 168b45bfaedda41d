package machine

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
)

// A message is read as it was written; and what its receivers see has the
// fields of WIRE in their order.
func TestMessagesAreReadAsWritten(t *testing.T) {
	m := Message{Session: entry.Session{1}, Heir: entry.Session{2}, Part: 3, N: 4, Group: "g", Life: 5,
		Sender: "s", Term: 6, Kind: toMember, To: "t", Sent: 7, Payload: "\xff"}
	r := fields.NewReader(m.Append(nil))
	again := ReadMessage(&r)
	if err := r.End("it"); err != nil || *again != m {
		t.Errorf("%+v, %v, want %+v", *again, err, m)
	}
	const want = `{"event":"message","group":"g","life":5,"n":4,"time":8,"sender":"s","part":3,` +
		`"kind":"member","to":"t","term":6,"payload_b64":"/w==","sent":7,"received":8000}`
	if got := m.Event(8000); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := m.Event(5); !strings.HasSuffix(got, `"sent":7,"received":7}`) {
		t.Errorf("received before it was sent: %s", got)
	}
}
