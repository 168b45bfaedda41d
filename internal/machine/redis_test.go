package machine_test

import (
	"cmp"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/story"
	"github.com/caucus-project/caucus/internal/tool"
	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"
)

// TestRedisTellsTheSameStories plays the stories about strings and keys on Redis itself.
func TestRedisTellsTheSameStories(t *testing.T) {
	socket := tool.Redis(t)
	play := func(t *testing.T, path string) {
		r := dialRedis(t, socket)
		r.Do("", caucus.Command{"FLUSHALL"})
		story.Run(t, path, r)
	}
	datadriven.Walk(t, "testdata/redis", play)
	t.Run("pops", func(t *testing.T) { play(t, "testdata/stories/pops.txt") })
}

// TestRedisAddsFloatsAlike adds numbers of all sizes here and there (SAFETY B9).
func TestRedisAddsFloatsAlike(t *testing.T) {
	there, here := dialRedis(t, tool.Redis(t)), newBare(t)
	number := rapid.StringMatching(`[-+]?[0-9]{0,25}(\.[0-9]{0,25})?(e-?[0-9]{1,2})?`)
	rapid.Check(t, func(rt *rapid.T) {
		from, by := number.Draw(rt, "from"), number.Draw(rt, "by")
		for _, cmd := range []caucus.Command{{"SET", "f", from}, {"INCRBYFLOAT", "f", by}, {"GET", "f"}} {
			if got, want := here.Do("", cmd), there.Do("", cmd); got.Kind != want.Kind || got.Str != want.Str {
				rt.Fatalf("%q + %q, %q: %q, Redis says %q", from, by, cmd[0], got.Str, want.Str)
			}
		}
	})
}

// redis is a connection to Redis as a stage of stories.
type redis struct {
	t       *testing.T
	conn    net.Conn
	replies *resp.ReplyReader
	others  map[string]*redis // the connections of those who wait
}

func dialRedis(t *testing.T, socket string) *redis {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r := &redis{t: t, conn: conn, replies: resp.NewReplyReader(conn, resp.Limits{})}
	r.Do("", caucus.Command{"HELLO", "3"})
	return r
}

func (r *redis) Do(_ string, cmd caucus.Command) caucus.Reply {
	if _, err := r.conn.Write(resp.AppendCommand(nil, cmd)); err != nil {
		r.t.Fatal(err)
	}
	reply, err := r.replies.Read()
	if err != nil {
		r.t.Fatal(err)
	}
	inOrder(cmd, &reply)
	return reply
}

// unordered are the commands whose replies come sorted with us, and in any order there: by how many items go
// together. Of the SCAN families it is the second item that has them.
var unordered = map[string]int{"KEYS": 1, "HGETALL": 2, "HKEYS": 1, "HVALS": 1, "HRANDFIELD": 1, "HSCAN": 2,
	"SRANDMEMBER": 1, "SSCAN": 1, "ZRANDMEMBER": 1}

// inOrder sorts the reply of a command that comes in any order.
func inOrder(cmd caucus.Command, r *caucus.Reply) {
	name := strings.ToUpper(cmd[0])
	together := unordered[name]
	switch {
	case r.Kind == caucus.KindSet:
		together = 1
	case strings.HasPrefix(strings.ToUpper(cmd[len(cmd)-1]), "WITH") && !nested(r):
		together = 2
	case together > 0 && strings.HasSuffix(name, "SCAN") && len(r.Items) == 2:
		r = &r.Items[1]
	}
	if together > 0 {
		all := slices.Collect(slices.Chunk(r.Items, together))
		slices.SortFunc(all, func(a, b []caucus.Reply) int {
			return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
		})
		r.Items = slices.Concat(all...)
	}
}

// nested says whether a reply is an array of arrays.
func nested(r *caucus.Reply) bool { return len(r.Items) > 0 && r.Items[0].Kind == caucus.KindArray }

// Wait says a command that waits, on the client's own connection.
func (r *redis) Wait(client string, cmd caucus.Command) {
	if r.others == nil {
		r.others = map[string]*redis{}
	}
	before := r.blocked()
	c := dialRedis(r.t, r.conn.RemoteAddr().String())
	r.others[client] = c
	if _, err := c.conn.Write(resp.AppendCommand(nil, cmd)); err != nil {
		r.t.Fatal(err)
	}
	for r.blocked() == before {
		runtime.Gosched()
	}
}

// blocked gives the line of INFO that counts who waits.
func (r *redis) blocked() string {
	for line := range strings.Lines(r.Do("", caucus.Command{"INFO", "clients"}).Str) {
		if strings.HasPrefix(line, "blocked_clients:") {
			return line
		}
	}
	return ""
}

// Hear reads what a client that waits is answered.
func (r *redis) Hear(client string) caucus.Reply {
	reply, err := r.others[client].replies.Read()
	if err != nil {
		r.t.Fatal(err)
	}
	return reply
}

// HangUp closes the connection of a client that waits.
func (r *redis) HangUp(client string) {
	before := r.blocked()
	_ = r.others[client].conn.Close()
	for r.blocked() == before {
		runtime.Gosched()
	}
}

func (r *redis) Advance(int64)         {}
func (r *redis) Events() []entry.Event { return nil }
