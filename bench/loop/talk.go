package loop

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// talk is what is said over a connection: flights of so many operations, in which only the keys change,
// and the only right answer to all of them.
type talk struct {
	flight []byte
	places []int // where the keys stand in it
	answer string
}

func talkOf(depth int, read bool) talk {
	cmd, answer := caucus.Command{"SET", keys[0], Value}, "+OK\r\n"
	if read {
		cmd, answer = caucus.Command{"GET", keys[0]}, fmt.Sprintf("$%d\r\n%s\r\n", valueSize, Value)
	}
	one := resp.AppendCommand(nil, cmd)
	place := bytes.Index(one, []byte(keys[0]))
	t := talk{bytes.Repeat(one, depth), make([]int, depth), strings.Repeat(answer, depth)}
	for i := range t.places {
		t.places[i] = i*len(one) + place
	}
	return t
}

// next gives a flight with keys drawn anew. It stands until the next is asked for.
func (t talk) next(rng *rand.Rand) []byte {
	for _, at := range t.places {
		copy(t.flight[at:], anyKey(rng))
	}
	return t.flight
}

// right says whether what came is what must come after so many bytes of an answer.
func (t talk) right(came []byte, after int) bool {
	return len(came) <= len(t.answer)-after && string(came) == t.answer[after:after+len(came)]
}
