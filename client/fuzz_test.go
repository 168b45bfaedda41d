package client_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/tool"
)

// FuzzParseEvent reads any payload as an event. It proves that an error says so, that the payload is kept
// whole, and that the event, written as the ensemble writes one, is read as the same.
func FuzzParseEvent(f *testing.F) {
	for _, payload := range []string{
		`{"event":"joined","group":"g","life":3,"seq":7,"time":1,"member":"m1","metadata_b64":"/w==","size":2}`,
		`{"event":"slots","group":"g","life":3,"seq":8,"granted":"0-3","revoking":null,"released":"5"}`,
		`{"event":"message","kind":"ordered","sender":"a","payload":"\ud83d\ude00\u0000","sent":1,"received":2}`,
		`{"event":"result","poll":4,"topic_b64":"%","outcome":"yes","yes":2,"no":-0}`,
		`{"event":"gap","oldest":null}`,
		`{"EVENT":"x","seq":1e3}`, `{"priority":99999999999999999999}`, `[]`, `null`, "",
		`{"payload":"` + "\xff" + `"}`,
		`{"payload":"a","payload_b64":""}`,
	} {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		var e client.Event
		var err error
		tool.AtMost(t, 64<<10+50*len(payload), func() { e, err = client.ParseEvent(payload) })
		if e.Raw != payload {
			t.Fatalf("of %q %q is kept", payload, e.Raw)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "client: ") {
				t.Errorf("%q: %v", payload, err)
			}
			return
		}
		again, err := client.ParseEvent(written(t, e))
		if again.Raw = e.Raw; err != nil || again != e {
			t.Errorf("%q\nis   %+v\nthen %+v, %v", payload, e, again, err)
		}
	})
}

// written writes an event as JSON, with any bytes as base64.
func written(t *testing.T, e client.Event) string {
	encoded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	text, err := json.Marshal(struct {
		client.Event
		Metadata string `json:"metadata_b64"`
		Topic    string `json:"topic_b64"`
		Payload  string `json:"payload_b64"`
	}{e, encoded(e.Metadata), encoded(e.Topic), encoded(e.Payload)})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
