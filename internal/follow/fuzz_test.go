package follow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/follow"
	"github.com/caucus-project/caucus/internal/resp"
)

// FuzzPlace answers a reader of events with any replies, and lets it hear any payloads, a line each. It
// proves that every event that is handed out is one that came, whole, or a gap, which is JSON; and that an
// answer makes the reader ask for something else or is an error, so that no reader asks for ever.
func FuzzPlace(f *testing.F) {
	told := func(life, seq uint64) string { return told("joined", life, seq) }
	answers := resp.Append(resp.Append(nil, 2, infoOf(3, 9, 5)), 2, eventsOf(told(3, 7), told(3, 8), told(3, 9)))
	f.Add(uint64(0), answers, told(3, 10)+"\n"+told(3, 12))
	f.Add(uint64(7), answers, told(3, 9)+"\n"+told(3, 10))
	f.Add(uint64(2), resp.Append(answers, 2, gapped), "null\n{}")
	f.Add(uint64(1)<<63, resp.Append(nil, 2, noGroup), `{"event":"message","kind":"all","part":1,"n":2}`)
	f.Add(uint64(1), []byte("%3\r\n+seq\r\n:-1\r\n+life\r\n:-9\r\n+oldest\r\n:-3\r\n"),
		`{"seq":18446744073709551615}`)
	f.Fuzz(func(t *testing.T, from uint64, answers []byte, heard string) {
		place := follow.From("g", from)
		if from == 0 {
			place = follow.Now("g")
		}
		replies := resp.NewReplyReader(bytes.NewReader(answers), resp.Limits{})
		payloads := strings.Split(heard, "\n")
		for {
			cmd, asks := place.Ask()
			var out []follow.Event
			var err error
			switch {
			case asks:
				reply, end := replies.Read()
				if end != nil {
					return
				}
				out, err = place.Answered(reply)
			case len(payloads) == 0:
				return
			default:
				out, err = place.Heard(payloads[0])
				payloads = payloads[1:]
			}
			if err != nil && (err.Error() == "" || len(out) > 0) {
				t.Fatalf("%v: %+v and %v", cmd, out, err)
			}
			for _, e := range out {
				came := slices.Contains(strings.Split(heard, "\n"), e.JSON) || bytes.Contains(answers, []byte(e.JSON))
				if e.Kind != follow.GapKind && !came || !json.Valid([]byte(e.JSON)) {
					t.Fatalf("%v: hands out %+v", cmd, e)
				}
			}
		}
	})
}

// FuzzChanges answers a reader of changes with any replies, and proves that it goes on behind what it has
// handed out, never before it unless a gap says so.
func FuzzChanges(f *testing.F) {
	f.Add(uint64(5), []byte("*2\r\n*3\r\n:5\r\n$3\r\nset\r\n$1\r\na\r\n*3\r\n:6\r\n$0\r\n\r\n$0\r\n\r\n"))
	f.Add(uint64(0), []byte("*1\r\n*3\r\n:9\r\n$0\r\n\r\n$0\r\n\r\n-GAP 7 is the oldest\r\n"))
	f.Add(uint64(3), []byte("-GAP 0 x\r\n-GAP\r\n-ERR no\r\n*1\r\n*3\r\n:-1\r\n$8\r\nflushall\r\n$-1\r\n"))
	f.Fuzz(func(t *testing.T, from uint64, answers []byte) {
		place := follow.ChangesFrom("", from)
		if from == 0 {
			place = follow.ChangesNow("")
		}
		replies := resp.NewReplyReader(bytes.NewReader(answers), resp.Limits{})
		for {
			before := place.Revision()
			reply, end := replies.Read()
			if end != nil {
				return
			}
			out, err := place.Answered(reply)
			gap := len(out) == 1 && out[0].Command == follow.GapKind
			switch after := place.Revision(); {
			case err != nil && err.Error() == "":
				t.Fatal("an error that says nothing")
			case gap && after != out[0].Revision:
				t.Fatalf("after the gap %+v it is at %d", out[0], after)
			case !gap && after < before:
				t.Fatalf("it was at %d and is at %d", before, after)
			}
			for _, c := range out {
				if c.Revision > place.Revision() {
					t.Fatalf("it handed out %+v and is at %d", c, place.Revision())
				}
			}
			if ask := fmt.Sprint(place.Ask(10, 0)); err == nil && ask == "[CHANGES FROM $]" {
				t.Fatal("after an answer it does not know where it is")
			}
		}
	})
}
