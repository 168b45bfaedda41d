package doors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/glob"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// reader is a connection that hears pushes between its replies.
type reader struct{ line }

func readerOf(l line) reader {
	l.do("HELLO 3")
	return reader{l}
}

// want carries out a command and compares its reply, written on one line, with a pattern.
func (r reader) want(text, pattern string) {
	r.t.Helper()
	if got := compact(r.do(text)); !glob.Match(pattern, got) {
		r.t.Errorf("%s: got %s, want %s", text, got, pattern)
	}
}

// hears compares what is told of keys, "" for all of them.
func (r reader) hears(keys ...string) {
	r.t.Helper()
	for _, key := range keys {
		want := "invalidate (" + key + ")"
		if key == "" {
			want = "invalidate nil"
		}
		if got := r.push(); got.Kind != caucus.KindPush || compact(got) != "("+want+")" {
			r.t.Errorf("heard %s, want (%s)", compact(got), want)
		}
	}
}

func compact(r caucus.Reply) string {
	switch {
	case r.Err() != nil:
		return r.Err().Error()
	case r.IsNil():
		return "nil"
	case r.Kind == caucus.KindInt:
		return fmt.Sprint(r.Int)
	case len(r.Items) > 0 || r.Kind == caucus.KindArray || r.Kind == caucus.KindPush:
		words := make([]string, len(r.Items))
		for i, item := range r.Items {
			words[i] = compact(item)
		}
		return "(" + strings.Join(words, " ") + ")"
	}
	return r.Str
}

// Who tracks what he reads is told once when it changes, whoever changes it, at whichever node.
func TestB22_ReadersAreToldOfChanges(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	writer, reader := reader{dial(t, c.Addr(0))}, readerOf(dial(t, c.Addr(1)))
	writer.want("MSET a 1 b 1 c 1", "OK")
	reader.want("GET a", "1") // so that its node has applied that, and tells nothing of it
	reader.want("CLIENT TRACKING ON", "OK")
	reader.want("GET a", "1")
	reader.want("MGET b other", "(1 nil)")
	writer.want("SET unread 1", "OK")
	writer.want("SET a 2", "OK")
	writer.want("SET a 3", "OK")
	writer.want("SET other 1", "OK")
	reader.hears("a", "other")
	reader.want("GET a", "3")
	writer.want("DEL a", "1")
	reader.hears("a")
	reader.want("GET a", "nil")
	writer.want("FLUSHALL", "OK")
	reader.hears("")
	reader.want("CLIENT TRACKING OFF", "OK")
	reader.want("GET b", "nil")
	writer.want("SET b 1", "OK")
	reader.want("ECHO nothing", "nothing")
}

// A change that comes while the answer is under way is told behind the answer, else the reader would keep an
// old value for ever.
func TestB22_NoReaderKeepsAnOldValue(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	writer, reader := dial(t, c.Addr(0)), readerOf(dial(t, c.Addr(2)))
	reader.want("CLIENT TRACKING ON OPTIN", "OK")
	const rounds = 300
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range rounds {
			if err := writer.Send(caucus.Command{"SET", "k", fmt.Sprint(n)}); err != nil {
				return
			}
			if _, err := writer.Read(); err != nil {
				return
			}
		}
	}()
	cached, valid := "", false
	ask := func(cmds ...caucus.Command) (answer caucus.Reply) {
		if err := reader.Send(cmds...); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(cmds); {
			if r := reader.push(); r.Kind == caucus.KindPush {
				valid = false
			} else {
				answer = r
				n++
			}
		}
		return answer
	}
	kept := 0
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		if valid {
			ask(caucus.Command{"GET", "other"}) // as a client does that has k at hand
			kept++
			continue
		}
		valid = true
		got := ask(caucus.Command{"CLIENT", "CACHING", "YES"}, caucus.Command{"MULTI"}, caucus.Command{"PTTL", "k"},
			caucus.Command{"GET", "k"}, caucus.Command{"EXEC"})
		cached = compact(got.Items[1])
	}
	ask(caucus.Command{"GET", "other"}) // so that its node has applied all
	ask(caucus.Command{"PING"})
	if last := fmt.Sprint(rounds - 1); valid && cached != last {
		t.Errorf("it keeps %s, and there is %s", cached, last)
	}
	if kept == 0 {
		t.Error("it never kept anything")
	}
}

func TestB22_BroadcastsByPrefix(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	writer := reader{dial(t, c.Addr(0))}
	writer.want("CLIENT TRACKING ON", "ERR CLIENT TRACKING needs RESP3*")
	reader := readerOf(dial(t, c.Addr(0)))
	for line, want := range map[string]string{
		"CLIENT TRACKING ON BCAST OPTIN":              "ERR OPTIN and OPTOUT are not compatible with BCAST",
		"CLIENT TRACKING ON OPTIN OPTOUT":             "ERR You can't specify both*",
		"CLIENT TRACKING ON PREFIX a":                 "ERR PREFIX option requires BCAST*",
		"CLIENT TRACKING ON BCAST PREFIX a PREFIX ab": "ERR Prefix 'ab' overlaps*",
		"CLIENT TRACKING ON REDIRECT 1":               "ERR REDIRECT is not supported*",
		"CLIENT TRACKING maybe":                       "ERR syntax error",
		"CLIENT CACHING YES":                          "ERR CLIENT CACHING can be called only*",
		"SUBSCRIBE caucus:t:a":                        "NOPERM *",
	} {
		reader.want(line, want)
	}
	reader.want("CLIENT GETREDIR", "-1")
	reader.want("CLIENT TRACKING ON BCAST NOLOOP PREFIX user: PREFIX *", "OK")
	reader.want("CLIENT GETREDIR", "0")
	reader.want("CLIENT TRACKING ON", "ERR You can't switch BCAST*")
	writer.want("MSET user:1 1 other 1 *star 1", "OK")
	reader.hears("user:1", "*star")
	writer.want("SET user:1 2", "OK")
	reader.hears("user:1")
	writer.want("PUBSUB NUMPAT", "0")
	writer.want("PUBSUB CHANNELS caucus:t*", "()")
	reader.want("RESET", "RESET")
	reader.want("CLIENT GETREDIR", "-1")
}

// What becomes of keys is published at every node once the ensemble is told to, by Redis' words and channels.
func TestKeyspaceNotifications(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	writer, listener := reader{dial(t, c.Addr(0))}, reader{dial(t, c.Addr(2))}
	writer.want("CONFIG SET notify-keyspace-events KEQ", "ERR CONFIG SET failed*Invalid event class character*")
	writer.want("CONFIG SET maxmemory 1gb notify-keyspace-events g$Ex", "OK")
	writer.want("CONFIG GET notify-keyspace-events", "(notify-keyspace-events g$xE)")
	writer.want("SET unheard 1", "OK")
	listener.want("GET unheard", "1") // so that its node has applied that
	listener.want("PSUBSCRIBE __key*__:*", "(psubscribe __key\\*__:\\* 1)")
	heard := func(channel, payload string) {
		t.Helper()
		want := "(pmessage __key*__:* " + channel + " " + payload + ")"
		if got := compact(listener.push()); got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
	}
	writer.want("SET k v PX 100", "OK")
	heard("__keyevent@0__:set", "k")
	heard("__keyevent@0__:expired", "k")
	writer.want("HSET h f v", "1")
	writer.want("CONFIG SET notify-keyspace-events KEA", "OK")
	writer.want("CONFIG GET notify-keyspace-events", "(notify-keyspace-events AKE)")
	writer.want("HSET h f w", "0")
	heard("__keyspace@0__:h", "hset")
	heard("__keyevent@0__:hset", "h")
	writer.want("RENAME h i", "OK")
	heard("__keyspace@0__:h", "rename_from")
	heard("__keyevent@0__:rename_from", "h")
	heard("__keyspace@0__:i", "rename_to")
	heard("__keyevent@0__:rename_to", "i")
	writer.want("CONFIG SET notify-keyspace-events \"\"", "ERR *")
	if got := compact(must(writer.Do("CONFIG", "SET", "notify-keyspace-events", ""))); got != "OK" {
		t.Error(got)
	}
	writer.want("DEL i", "1")
	writer.want("PUBLISH __keyevent@0__:end now", "0")
	heard("__keyevent@0__:end", "now")
}

func must(r caucus.Reply, err error) caucus.Reply {
	if err != nil {
		return caucus.ErrorReply(caucus.Errorf(caucus.ErrBad, "%v", err))
	}
	return r
}
