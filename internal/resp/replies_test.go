package resp_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

func truth(n int64) caucus.Reply { return caucus.Reply{Kind: caucus.KindBool, Int: n} }

func verbatim(s string) caucus.Reply { return caucus.Reply{Kind: caucus.KindVerbatim, Str: s} }

func set(items ...caucus.Reply) caucus.Reply { return caucus.Reply{Kind: caucus.KindSet, Items: items} }

func TestAppend(t *testing.T) {
	one, two := caucus.Int(1), caucus.Bulk("b")
	for _, c := range []struct {
		name         string
		reply        caucus.Reply
		resp2, resp3 string
	}{
		{"nil", caucus.Nil(), "$-1\r\n", "_\r\n"},
		{"nil array", caucus.NilArray(), "*-1\r\n", "_\r\n"},
		{"status", caucus.OK(), "+OK\r\n", "+OK\r\n"},
		{"status on two lines", caucus.Status("a\r\nb"), "+a  b\r\n", "+a  b\r\n"},
		{"error", caucus.Fail(caucus.ErrNoGroup, "g"), "-NOGROUP g\r\n", "-NOGROUP g\r\n"},
		{"int", caucus.Int(math.MinInt64), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
		{"bulk", caucus.Bulk("a\r\n\x00"), "$4\r\na\r\n\x00\r\n", "$4\r\na\r\n\x00\r\n"},
		{"empty bulk", caucus.Bulk(""), "$0\r\n\r\n", "$0\r\n\r\n"},
		{"array", caucus.Array(one, two), "*2\r\n:1\r\n$1\r\nb\r\n", "*2\r\n:1\r\n$1\r\nb\r\n"},
		{"empty array", caucus.Array(), "*0\r\n", "*0\r\n"},
		{"nested", caucus.Array(caucus.Map(one, caucus.Nil())),
			"*1\r\n*2\r\n:1\r\n$-1\r\n", "*1\r\n%1\r\n:1\r\n_\r\n"},
		{"map", caucus.Map(one, two), "*2\r\n:1\r\n$1\r\nb\r\n", "%1\r\n:1\r\n$1\r\nb\r\n"},
		{"odd map", caucus.Map(one), "*2\r\n:1\r\n$-1\r\n", "%1\r\n:1\r\n_\r\n"},
		{"set", set(one), "*1\r\n:1\r\n", "~1\r\n:1\r\n"},
		{"push", caucus.Push(one), "*1\r\n:1\r\n", ">1\r\n:1\r\n"},
		{"pairs", caucus.Pairs(one, two, two, one), "*4\r\n:1\r\n$1\r\nb\r\n$1\r\nb\r\n:1\r\n",
			"*2\r\n*2\r\n:1\r\n$1\r\nb\r\n*2\r\n$1\r\nb\r\n:1\r\n"},
		{"odd pairs", caucus.Pairs(one), "*2\r\n:1\r\n$-1\r\n", "*1\r\n*2\r\n:1\r\n_\r\n"},
		{"no pairs", caucus.Pairs(), "*0\r\n", "*0\r\n"},
		{"double", caucus.Double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"},
		{"double as Redis 7.0", caucus.Double(0.1), "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"},
		{"large double", caucus.Double(1e17), "$5\r\n1e+17\r\n", ",1e+17\r\n"},
		{"whole double", caucus.Double(-3), "$2\r\n-3\r\n", ",-3\r\n"},
		{"inf", caucus.Double(math.Inf(1)), "$3\r\ninf\r\n", ",inf\r\n"},
		{"-inf", caucus.Double(math.Inf(-1)), "$4\r\n-inf\r\n", ",-inf\r\n"},
		{"nan", caucus.Double(math.NaN()), "$3\r\nnan\r\n", ",nan\r\n"},
		{"true", truth(1), ":1\r\n", "#t\r\n"},
		{"false", truth(0), ":0\r\n", "#f\r\n"},
		{"verbatim", verbatim("hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"},
		{"unknown", caucus.Reply{Kind: 200},
			"-ERR reply of unknown kind 200\r\n", "-ERR reply of unknown kind 200\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(resp.Append([]byte("x"), 2, c.reply)); got != "x"+c.resp2 {
				t.Errorf("RESP2 %q, want %q", got[1:], c.resp2)
			}
			if got := string(resp.Append([]byte("x"), 3, c.reply)); got != "x"+c.resp3 {
				t.Errorf("RESP3 %q, want %q", got[1:], c.resp3)
			}
			for proto, want := range map[int]string{2: c.resp2, 3: c.resp3} {
				if got, _ := inPieces(t, proto, c.reply); got != want {
					t.Errorf("RESP%d in pieces %q, want %q", proto, got, want)
				}
			}
		})
	}
}

func TestAppendCommand(t *testing.T) {
	got := string(resp.AppendCommand([]byte("x"), caucus.Command{"SET", "k", ""}))
	if want := "x*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func readReplies(src io.Reader, lim resp.Limits) ([]caucus.Reply, error) {
	r := resp.NewReplyReader(src, lim)
	var replies []caucus.Reply
	for {
		reply, err := r.Read()
		if err != nil {
			return replies, err
		}
		replies = append(replies, reply)
	}
}

func TestReadReplies(t *testing.T) {
	one, long := caucus.Int(1), strings.Repeat("x", 60<<10)
	for _, c := range []struct {
		in   string
		want []caucus.Reply
	}{
		{"+OK\r\n-ERR no\r\n:-5\r\n",
			[]caucus.Reply{caucus.OK(), {Kind: caucus.KindError, Str: "ERR no"}, caucus.Int(-5)}},
		{"$-1\r\n*-1\r\n_\r\n", []caucus.Reply{caucus.Nil(), caucus.NilArray(), caucus.Nil()}},
		{"$0\r\n\r\n$2\r\n\r\n\r\n", []caucus.Reply{caucus.Bulk(""), caucus.Bulk("\r\n")}},
		{"*0\r\n*2\r\n:1\r\n*1\r\n:1\r\n", []caucus.Reply{caucus.Array(), caucus.Array(one, caucus.Array(one))}},
		{"%1\r\n:1\r\n:1\r\n~1\r\n:1\r\n", []caucus.Reply{caucus.Map(one, one), set(one)}},
		{">1\r\n:1\r\n:1\r\n", []caucus.Reply{caucus.Push(one), one}},
		{"#t\r\n#f\r\n", []caucus.Reply{truth(1), truth(0)}},
		{",1.25\r\n,inf\r\n,-inf\r\n",
			[]caucus.Reply{caucus.Double(1.25), caucus.Double(math.Inf(1)), caucus.Double(math.Inf(-1))}},
		{"(3492890328409238509324850943850943825024385\r\n",
			[]caucus.Reply{caucus.Bulk("3492890328409238509324850943850943825024385")}},
		{"=6\r\ntxt:hi\r\n!5\r\nERR x\r\n", []caucus.Reply{verbatim("hi"), {Kind: caucus.KindError, Str: "ERR x"}}},
		{"|1\r\n+k\r\n:9\r\n:1\r\n", []caucus.Reply{one}},
		{"*2\r\n|1\r\n+k\r\n*1\r\n:9\r\n|0\r\n:1\r\n:1\r\n", []caucus.Reply{caucus.Array(one, one)}},
		{"+" + long + "\r\n$61440\r\n" + long + "\r\n", []caucus.Reply{caucus.Status(long), caucus.Bulk(long)}},
		{strings.Repeat("*1\r\n", 32) + ":1\r\n", []caucus.Reply{nest(32)}},
	} {
		for how, src := range map[string]io.Reader{
			"at once": strings.NewReader(c.in), "byte by byte": iotest.OneByteReader(strings.NewReader(c.in)),
		} {
			got, err := readReplies(src, resp.Limits{})
			if !reflect.DeepEqual(got, c.want) || err != io.EOF {
				t.Errorf("%.40q %s: %v, %v", c.in, how, got, err)
			}
		}
	}
}

func nest(depth int) caucus.Reply {
	r := caucus.Int(1)
	for range depth {
		r = caucus.Array(r)
	}
	return r
}

func TestMalformedReplies(t *testing.T) {
	lim := resp.Limits{Bulk: 10, Args: 4, Total: 100}
	for _, in := range []string{
		"\r\n", "x\r\n", "+OK\n", ":\r\n", ":x\r\n", ":99999999999999999999\r\n", ",x\r\n", "#x\r\n", "#\r\n",
		"$x\r\n", "$-2\r\n", "$11\r\n", "$01\r\n", "$1\r\nxy\r\n", "=3\r\ntxt\r\n", "=4\r\nabcd\r\n",
		"!-1\r\n", "$?\r\n",
		"*x\r\n", "*-2\r\n", "*5\r\n", "%3\r\n", "%-1\r\n", "~-1\r\n", ">-1\r\n", "*?\r\n",
		"%9223372036854775807\r\n",
		"*2\r\n*2\r\n:1\r\n:1\r\n*1\r\n:1\r\n", "|x\r\n", "*1\r\n|3\r\n",
		strings.Repeat("*1\r\n", 33) + ":1\r\n", "+" + strings.Repeat("x", 100) + "\r\n",
		"+" + strings.Repeat("x", 2*resp.MaxLine), strings.Repeat("|0\r\n", 60) + ":1\r\n",
	} {
		if got, err := readReplies(strings.NewReader(in), lim); !errors.Is(err, resp.ErrMalformed) {
			t.Errorf("%.40q: %v, %v", in, got, err)
		}
	}
}

// Who asks at a node's HTTP door by mistake is told so.
func TestAnswersOfAnHTTPDoor(t *testing.T) {
	_, err := readReplies(strings.NewReader("HTTP/1.1 400 Bad Request\r\n\r\n"), resp.Limits{})
	if !errors.Is(err, resp.ErrMalformed) || !strings.Contains(err.Error(), "as HTTP does") {
		t.Error(err)
	}
}

func TestCutOffReplies(t *testing.T) {
	whole := "*3\r\n$3\r\nabc\r\n%1\r\n+k\r\n:1\r\n=5\r\ntxt:x\r\n"
	for i := 1; i < len(whole); i++ {
		if got, err := readReplies(strings.NewReader(whole[:i]), resp.Limits{}); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: %v, %v", whole[:i], got, err)
		}
	}
	broken := errors.New("broken")
	src := io.MultiReader(strings.NewReader(whole[:9]), iotest.ErrReader(broken))
	if _, err := readReplies(src, resp.Limits{}); !errors.Is(err, broken) {
		t.Errorf("not the source's error: %v", err)
	}
}

// late is a source that has nothing yet, at first.
type late struct{ io.Reader }

func (l *late) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err == io.EOF {
		l.Reader, err = strings.NewReader("+late\r\n"), os.ErrDeadlineExceeded
	}
	return n, err
}

func TestWaitMayTimeOut(t *testing.T) {
	r := resp.NewReplyReader(&late{strings.NewReader("+soon\r\n")}, resp.Limits{})
	for range 2 {
		if err := r.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := r.Read(); err != nil || got.Str != "soon" {
		t.Fatal(got, err)
	}
	if err := r.Wait(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if got, err := r.Read(); err != nil || got.Str != "late" {
		t.Fatal(got, err)
	}
}

// anyReply draws replies of all kinds, as a server may send them.
func anyReply(depth int) *rapid.Generator[caucus.Reply] {
	return rapid.Custom(func(t *rapid.T) caucus.Reply {
		last := caucus.KindVerbatim
		kind := caucus.Kind(rapid.IntRange(0, int(last)).Draw(t, "kind"))
		r := caucus.Reply{Kind: kind}
		switch kind {
		case caucus.KindStatus, caucus.KindError:
			r.Str = rapid.StringMatching(`[A-Z]{1,8} [ -~]{0,20}`).Draw(t, "line")
		case caucus.KindBulk, caucus.KindVerbatim:
			r.Str = string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		case caucus.KindInt:
			r.Int = rapid.Int64().Draw(t, "int")
		case caucus.KindBool:
			r.Int = rapid.Int64Range(0, 1).Draw(t, "bool")
		case caucus.KindDouble:
			r.Float = rapid.Float64().Draw(t, "double")
		case caucus.KindArray, caucus.KindMap, caucus.KindSet, caucus.KindPush:
			n := 0
			if depth > 0 {
				n = rapid.IntRange(0, 3).Draw(t, "half") * 2
			}
			for range n {
				r.Items = append(r.Items, anyReply(depth-1).Draw(t, "item"))
			}
		}
		return r
	})
}

// inRESP2 is what is left of a reply that went through RESP2.
func inRESP2(r caucus.Reply) caucus.Reply {
	switch r.Kind {
	case caucus.KindBool:
		return caucus.Int(r.Int)
	case caucus.KindVerbatim:
		return caucus.Bulk(r.Str)
	case caucus.KindDouble:
		return caucus.Bulk(r.Text())
	case caucus.KindArray, caucus.KindMap, caucus.KindSet, caucus.KindPush:
		var items []caucus.Reply
		for _, item := range r.Items {
			items = append(items, inRESP2(item))
		}
		return caucus.Array(items...)
	}
	return r
}

// inRESP3 is what is left of a reply that went through RESP3: all but which nil it was.
func inRESP3(r caucus.Reply) caucus.Reply {
	if r.IsNil() {
		return caucus.Nil()
	}
	var items []caucus.Reply
	for _, item := range r.Items {
		items = append(items, inRESP3(item))
	}
	r.Items = items
	return r
}

// inPieces writes a reply in pieces, and gives the largest of them.
func inPieces(t testing.TB, proto int, r caucus.Reply) (text string, largest int) {
	t.Helper()
	var all bytes.Buffer
	err := resp.Write(writer(func(p []byte) (int, error) {
		largest = max(largest, len(p))
		return all.Write(p)
	}), proto, r)
	if err != nil {
		t.Fatal(err)
	}
	return all.String(), largest
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// However large a reply is, it is written as Append appends it, and no more than a piece of it is held.
func TestLargeRepliesAreWrittenInPieces(t *testing.T) {
	long := strings.Repeat("x", 3_000_000)
	of := []caucus.Reply{caucus.Bulk(long), caucus.Int(1), verbatim(long),
		caucus.Map(caucus.Bulk(long[:700_000]))}
	for range 50_000 {
		of = append(of, caucus.Bulk("short"))
	}
	for _, r := range []caucus.Reply{caucus.Array(of...), caucus.Pairs(of...), caucus.Bulk(long), set(of...)} {
		for _, proto := range []int{2, 3} {
			text, largest := inPieces(t, proto, r)
			if text != string(resp.Append(nil, proto, r)) || largest > 600_000 {
				t.Errorf("RESP%d: %d bytes, the largest piece has %d", proto, len(text), largest)
			}
		}
	}
	broken := errors.New("broken")
	err := resp.Write(writer(func([]byte) (int, error) { return 0, broken }), 2, caucus.Array(of...))
	if err != broken {
		t.Errorf("%v", err)
	}
}

func TestReplyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reply := anyReply(3).Draw(t, "reply")
		both := resp.Append(resp.Append(nil, 2, reply), 3, reply)
		got, err := readReplies(bytes.NewReader(both), resp.Limits{})
		want := []caucus.Reply{inRESP2(reply), inRESP3(reply)}
		if err != io.EOF || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\n got %v, %v\nwant %v", both, got, err, want)
		}
	})
}

func TestCommandRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arg := rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })
		cmds := rapid.SliceOfN(rapid.SliceOfN(arg, 1, 5), 1, 20).Draw(t, "commands")
		var stream []byte
		var want []caucus.Command
		for _, cmd := range cmds {
			stream = resp.AppendCommand(stream, cmd)
			want = append(want, cmd)
		}
		var got []caucus.Command
		r := resp.NewReader(bytes.NewReader(stream), resp.Limits{})
		for len(got) < len(want) {
			batch, err := r.ReadBatch()
			if err != nil {
				t.Fatal(err)
			}
			for _, req := range batch {
				got = append(got, req.Args)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %q\nwant %q", got, want)
		}
	})
}

// Of an array Begin reads only the head, and its items come one by one; anything else comes whole.
func TestBeginReadsTheHeadOfAnArray(t *testing.T) {
	r := resp.NewReplyReader(strings.NewReader("*2\r\n$1\r\na\r\n*1\r\n:1\r\n+OK\r\n*0\r\n*-1\r\n"+
		"*99999999999\r\n"), resp.Limits{Args: 1})
	head := func(want int, reply caucus.Reply) {
		t.Helper()
		n, got, err := r.Begin()
		if n != want || err != nil || !reflect.DeepEqual(got, reply) {
			t.Fatalf("%d, %v, %v; want %d, %v", n, got, err, want, reply)
		}
	}
	item := func(want caucus.Reply) {
		t.Helper()
		if got, err := r.Read(); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, %v; want %v", got, err, want)
		}
	}
	head(2, caucus.Reply{})
	item(caucus.Bulk("a"))
	item(caucus.Array(caucus.Int(1)))
	head(-1, caucus.OK())
	head(0, caucus.Reply{})
	head(-1, caucus.NilArray())
	head(99_999_999_999, caucus.Reply{}) // no limit but that of what is read of it
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	for text, want := range map[string]error{"": io.EOF, "*": io.ErrUnexpectedEOF, "*x\r\n": resp.ErrMalformed,
		"*-2\r\n": resp.ErrMalformed, "?\r\n": resp.ErrMalformed} {
		_, _, err := resp.NewReplyReader(strings.NewReader(text), resp.Limits{}).Begin()
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}
