package resp_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// small are limits that a few bytes can go beyond.
var small = resp.Limits{Bulk: 16, Args: 4, Total: 24}

// readAll reads requests until an error and writes them down, one line each, the error last.
func readAll(r *resp.Reader) []string {
	var lines []string
	for {
		batch, err := r.ReadBatch()
		for _, req := range batch {
			lines = append(lines, describe(req))
		}
		if err != nil {
			return append(lines, fmt.Sprintf("%T %v", err, err))
		}
	}
}

func describe(req resp.Request) string {
	if req.Err != nil {
		return req.Err.Error()
	}
	return fmt.Sprintf("%q", []string(req.Args))
}

const eof = "*errors.errorString EOF"

func fatal(text string) string { return "*caucus.Error ERR Protocol error: " + text }

var requestCases = []struct {
	name, in string
	want     []string
}{
	{"array", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", []string{`["GET" "k"]`, eof}},
	{"pipeline", "*1\r\n$4\r\nPING\r\n*1\r\n$1\r\nx\r\n", []string{`["PING"]`, `["x"]`, eof}},
	{"empty and binary arguments", "*3\r\n$0\r\n\r\n$2\r\n\r\n\r\n$1\r\n\x00\r\n",
		[]string{`["" "\r\n" "\x00"]`, eof}},
	{"empty arrays and lines", "*0\r\n*-1\r\n*-9223372036854775808\r\n\r\n\n  \t\r\nPING\r\n",
		[]string{`["PING"]`, eof}},
	{"unfinished", "*2\r\n$3\r\nGET\r\n$1\r\nk", []string{eof}},
	{"nothing", "", []string{eof}},

	{"inline", "SET  k\tv \r\nGET k\n", []string{`["SET" "k" "v"]`, `["GET" "k"]`, eof}},
	{"inline double quotes", `a "b c" "\n\r\t\b\a\x41\xfF\xg1\"\\\q" ""` + "\n",
		[]string{`["a" "b c" "\n\r\t\b\aA\xffxg1\"\\q" ""]`, eof}},
	{"inline single quotes", `'b "c' '\'' '\n' ''` + "\n", []string{`["b \"c" "'" "\\n" ""]`, eof}},
	{"inline quote within a word", `a"b"` + "\n", []string{`["ab"]`, eof}},
	{"inline backslash outside quotes", `a\n` + "\n", []string{`["a\\n"]`, eof}},
	{"inline open quote", "PING\n" + `a "b` + "\n", []string{`["PING"]`, fatal("unbalanced quotes in request")}},
	{"inline open single quote", "a 'b\\\n", []string{fatal("unbalanced quotes in request")}},
	{"inline escaped last quote", `"a\"` + "\n", []string{fatal("unbalanced quotes in request")}},
	{"inline text after a quote", `"a"b` + "\n", []string{fatal("unbalanced quotes in request")}},
	{"inline then array", "a\n*1\r\n$1\r\nb\r\n", []string{`["a"]`, `["b"]`, eof}},

	{"inline argument over its setting", strings.Repeat("x", 17) + "\nok\n",
		[]string{"ERR argument too long: 17 bytes, and at most 16 are taken", `["ok"]`, eof}},
	{"inline arguments over their setting", "1 2 3 4 5\nok\n",
		[]string{"ERR too many arguments: 5, and at most 4 are taken", `["ok"]`, eof}},
	{"inline total over its setting", strings.Repeat("0123456789 ", 3) + "\nok\n",
		[]string{"ERR command too large: at most 24 bytes of arguments are taken", `["ok"]`, eof}},
	{"argument over its setting",
		"*3\r\n$1\r\na\r\n$17\r\n" + strings.Repeat("\r\n", 8) + "x\r\n$1\r\nb\r\nok\r\n",
		[]string{"ERR argument too long: 17 bytes, and at most 16 are taken", `["ok"]`, eof}},
	{"arguments over their setting", "*5\r\n" + strings.Repeat("$0\r\n\r\n", 5) + "ok\r\n",
		[]string{"ERR too many arguments: 5, and at most 4 are taken", `["ok"]`, eof}},
	{"total over its setting", "*3\r\n" + strings.Repeat("$10\r\n0123456789\r\n", 3) + "ok\r\n",
		[]string{"ERR command too large: at most 24 bytes of arguments are taken", `["ok"]`, eof}},
	{"just at the settings", "*4\r\n$16\r\n0123456789abcdef\r\n$8\r\n01234567\r\n$0\r\n\r\n$0\r\n\r\n",
		[]string{`["0123456789abcdef" "01234567" "" ""]`, eof}},
	{"just at the settings, twice", strings.Repeat("*2\r\n$12\r\n0123456789ab\r\n$12\r\n0123456789ab\r\n", 2),
		[]string{`["0123456789ab" "0123456789ab"]`, `["0123456789ab" "0123456789ab"]`, eof}},
	{"nonsense while reading away", "*2\r\n$17\r\n0123456789abcdefg\r\n+x\r\n",
		[]string{fatal("expected '$', got '+'")}},
	{"miscounted while reading away", "*1\r\n$17\r\n0123456789abcdefgh\r\n",
		[]string{fatal("expected CRLF after bulk")}},

	{"array length is no number", "PING\n*x\r\n", []string{`["PING"]`, fatal("invalid multibulk length")}},
	{"array length empty", "*\r\n", []string{fatal("invalid multibulk length")}},
	{"array length with plus", "*+1\r\n", []string{fatal("invalid multibulk length")}},
	{"array length with zero", "*01\r\n", []string{fatal("invalid multibulk length")}},
	{"array length minus zero", "*-0\r\n", []string{fatal("invalid multibulk length")}},
	{"array length overflow", "*18446744073709551617\r\n", []string{fatal("invalid multibulk length")}},
	{"array length 19 digits", "*9999999999999999999\r\n", []string{fatal("invalid multibulk length")}},
	{"array length below all", "*-9223372036854775809\r\n", []string{fatal("invalid multibulk length")}},
	{"array length over the hard limit", "*1048577\r\n", []string{fatal("invalid multibulk length")}},
	{"array length line", "*1\rx", []string{fatal("invalid multibulk length")}},
	{"array length without end", "*" + strings.Repeat("1", resp.MaxLine),
		[]string{fatal("too big mbulk count string")}},
	{"bulk length is no number", "*1\r\n$x\r\n", []string{fatal("invalid bulk length")}},
	{"bulk length negative", "*1\r\n$-1\r\n", []string{fatal("invalid bulk length")}},
	{"bulk length over the hard limit", "*1\r\n$536870913\r\n", []string{fatal("invalid bulk length")}},
	{"bulk length without end", "*1\r\n$" + strings.Repeat("1", resp.MaxLine),
		[]string{fatal("too big bulk count string")}},
	{"no bulk", "*1\r\n:1\r\n", []string{fatal("expected '$', got ':'")}},
	{"miscounted bulk", "*1\r\n$1\r\nxyz\r\n", []string{fatal("expected CRLF after bulk")}},
	{"line at the hard limit", strings.Repeat(" ", resp.MaxLine-1) + "a\n", []string{`["a"]`, eof}},
	{"line over the hard limit", strings.Repeat(" ", resp.MaxLine) + "a\n",
		[]string{fatal("too big inline request")}},
	{"line without end", strings.Repeat("a", resp.MaxLine+1), []string{fatal("too big inline request")}},
}

func TestRequests(t *testing.T) {
	for _, c := range requestCases {
		t.Run(c.name, func(t *testing.T) {
			expect(t, "at once", readAll(resp.NewReader(strings.NewReader(c.in), small)), c.want)
			bytewise := iotest.OneByteReader(strings.NewReader(c.in))
			expect(t, "byte by byte", readAll(resp.NewReader(bytewise, small)), c.want)
			ending := iotest.DataErrReader(strings.NewReader(c.in))
			expect(t, "end together with data", readAll(resp.NewReader(ending, small)), c.want)
		})
	}
}

func expect(t *testing.T, how string, got, want []string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", how, got, want)
	}
}

// TestSplitAnywhere cuts one stream in two at every place.
func TestSplitAnywhere(t *testing.T) {
	var stream []byte
	for _, c := range requestCases {
		if len(c.in) < 200 && c.want[len(c.want)-1] == eof && c.name != "unfinished" {
			stream = append(stream, c.in...)
		}
	}
	want := readAll(resp.NewReader(bytes.NewReader(stream), small))
	if want[len(want)-1] != eof || len(want) < 20 {
		t.Fatalf("the stream is not what it should be: %q", want)
	}
	for i := range stream {
		halves := io.MultiReader(bytes.NewReader(stream[:i]), bytes.NewReader(stream[i:]))
		expect(t, fmt.Sprintf("cut at %d", i), readAll(resp.NewReader(halves, small)), want)
	}
}

func TestBatchIsWholePipeline(t *testing.T) {
	pipe := bytes.Repeat([]byte("*1\r\n$4\r\nPING\r\n"), 50)
	r := resp.NewReader(bytes.NewReader(append(pipe, "*1\r\n$4"...)), resp.Limits{})
	batch, err := r.ReadBatch()
	if len(batch) != 50 || err != nil {
		t.Fatalf("%d requests, %v", len(batch), err)
	}
	if got, want := r.Buffered(), len("*1\r\n$4"); got != want {
		t.Errorf("%d bytes buffered, not %d", got, want)
	}
}

// A batch has so many requests at most; the others are in the next ones, in order, without more coming.
func TestBatchHasABound(t *testing.T) {
	var stream []byte
	for n := range 2500 {
		stream = fmt.Appendf(stream, "ECHO %d\r\n", n)
	}
	r := resp.NewReader(bytes.NewReader(stream), resp.Limits{})
	var sizes []int
	for n := 0; n < 2500; {
		batch, err := r.ReadBatch()
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(batch))
		for _, req := range batch {
			if want := strconv.Itoa(n); req.Args[1] != want {
				t.Fatalf("%q stands where %s should", req.Args, want)
			}
			n++
		}
		if n < 2500 && !r.More() {
			t.Fatalf("after %d requests there should be more", n)
		}
	}
	if slices.Max(sizes) > 1024 {
		t.Errorf("batches of %d requests", sizes)
	}
}

// TestArgumentsLast proves that what was returned is not overwritten by what comes later.
func TestArgumentsLast(t *testing.T) {
	array := "*2\r\n$1\r\na\r\n$2\r\nbc\r\n"
	later := strings.Repeat("*1\r\n$3\r\nxyz\r\n", 2000)
	in := strings.NewReader(strings.Repeat(array, 3) + `"d" e` + "\n" + later)
	r := resp.NewReader(in, resp.Limits{})
	first, err := r.ReadBatch()
	if err != nil {
		t.Fatal(err)
	}
	one, two, three, line := first[0].Args, first[1].Args, first[2].Args, first[3].Args
	for _, args := range []caucus.Command{one, two, three, line} {
		_ = append(args, "grown")
	}
	expect(t, "rest", readAll(r)[:1], []string{`["xyz"]`})
	for _, args := range []caucus.Command{one, two, three} {
		expect(t, "array", args, []string{"a", "bc"})
	}
	expect(t, "line", line, []string{"d", "e"})
}

func TestLargeValueUnderTheDefaults(t *testing.T) {
	value := strings.Repeat("0123456789abcdef", 8<<20/16)
	stream := resp.AppendCommand(nil, caucus.Command{"SET", "k", value})
	stream = resp.AppendCommand(stream, caucus.Command{"SET", "k", value + "x"})
	stream = resp.AppendCommand(stream, caucus.Command{"PING"})
	r := resp.NewReader(bytes.NewReader(stream), resp.Limits{})
	var got []resp.Request
	for len(got) < 3 {
		batch, err := r.ReadBatch()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, batch...)
		if r.Buffered() > 2<<23 {
			t.Fatalf("holds %d bytes of a value that is read away", r.Buffered())
		}
	}
	if got[0].Err != nil || got[0].Args[2] != value {
		t.Error("the value that fits did not come through")
	}
	if !errors.Is(got[1].Err, caucus.ErrBad) || got[2].Args[0] != "PING" {
		t.Errorf("too large: %v, next: %q", got[1].Err, got[2].Args)
	}
}

// TestHeadersCostNothing announces much and sends nothing; the memory taken must be that of what came.
func TestHeadersCostNothing(t *testing.T) {
	lim := resp.Limits{Bulk: resp.MaxBulk}
	for _, in := range []string{
		"*1\r\n$536870912\r\n", "*1048576\r\n$536870912\r\n", "*1048576\r\n$1\r\n",
	} {
		if n := allocated(func() { readAll(resp.NewReader(strings.NewReader(in), lim)) }); n > 64<<10 {
			t.Errorf("%q: %d bytes allocated", in, n)
		}
	}
	for _, in := range []string{
		"$536870912\r\n", "*16777216\r\n", "%8388608\r\n", strings.Repeat("*1000000\r\n", 32), "|8388608\r\n",
		"=536870912\r\nx",
	} {
		read := func() { _, _ = resp.NewReplyReader(strings.NewReader(in), resp.Limits{}).Read() }
		if n := allocated(read); n > 512<<10 {
			t.Errorf("%q: %d bytes allocated", in, n)
		}
	}
}

// TestReadAwayIsNotKept sends far more than is taken; the reader must not grow with it.
func TestReadAwayIsNotKept(t *testing.T) {
	const much = 64 << 20
	in := io.MultiReader(
		strings.NewReader(fmt.Sprintf("*2\r\n$1\r\na\r\n$%d\r\n", much)),
		io.LimitReader(zeros{}, much), strings.NewReader("\r\nok\n"))
	var got []string
	n := allocated(func() { got = readAll(resp.NewReader(in, resp.Limits{})) })
	expect(t, "requests", got, []string{
		"ERR argument too long: 67108864 bytes, and at most 8388608 are taken", `["ok"]`, eof})
	if n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// TestIdleReaderIsSmall reads a large value, then a small command, and looks at what is still held.
func TestIdleReaderIsSmall(t *testing.T) {
	large := resp.AppendCommand(nil, caucus.Command{"SET", "k", strings.Repeat("x", 8<<20)})
	r := resp.NewReader(io.MultiReader(bytes.NewReader(large), strings.NewReader("PING\n")), resp.Limits{})
	large = nil
	before := held()
	for range 2 {
		if _, err := r.ReadBatch(); err != nil {
			t.Fatal(err)
		}
	}
	if after := held(); after > before+1<<20 {
		t.Errorf("%d bytes are held", after-before)
	}
	runtime.KeepAlive(r)
}

func held() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestStranger(t *testing.T) {
	auth := "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n"
	eleven := "*11\r\n" + strings.Repeat("$0\r\n\r\n", 11)
	long := fmt.Sprintf("*1\r\n$%d\r\n%s\r\n", 16<<10+1, strings.Repeat("x", 16<<10+1))
	refused := map[string]string{
		eleven: fatal("unauthenticated multibulk length"),
		long:   fatal("unauthenticated bulk length"),
	}
	for in, want := range refused {
		r := resp.NewReader(strings.NewReader(auth+in), resp.Limits{})
		r.SetStranger(true)
		expect(t, "refused", readAll(r), []string{`["AUTH" "u" "p"]`, want})

		r = resp.NewReader(strings.NewReader(auth+in+auth), resp.Limits{})
		r.SetStranger(true)
		batch, err := r.ReadBatch()
		if len(batch) != 1 || err != nil || r.Buffered() == 0 {
			t.Fatalf("%d requests, %v, %d bytes buffered", len(batch), err, r.Buffered())
		}
		r.SetStranger(false)
		if got := readAll(r); len(got) != 3 || got[2] != eof {
			t.Errorf("after AUTH: %.200q", got)
		}
	}
}

// TestDeadline lets a read time out in the middle of a command, after which reading goes on.
func TestDeadline(t *testing.T) {
	in := io.MultiReader(strings.NewReader("*1\r\n$4\r\nPI"),
		&failing{err: os.ErrDeadlineExceeded}, strings.NewReader("NG\r\n"))
	r := resp.NewReader(in, resp.Limits{})
	if _, err := r.ReadBatch(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("not a passed deadline: %v", err)
	}
	expect(t, "rest", readAll(r), []string{`["PING"]`, eof})
}

// failing fails once, then ends.
type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) {
	err := f.err
	f.err = io.EOF
	return 0, err
}

func TestProtocolErrorStays(t *testing.T) {
	r := resp.NewReader(strings.NewReader("*x\r\nPING\r\n"), resp.Limits{})
	for range 2 {
		expect(t, "broken", readAll(r), []string{fatal("invalid multibulk length")})
	}
}

func TestSourceThatGivesNothing(t *testing.T) {
	_, err := resp.NewReader(nothing{}, resp.Limits{}).ReadBatch()
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("not io.ErrNoProgress: %v", err)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }
