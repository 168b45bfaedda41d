package resp_test

import (
	"bytes"
	"io"
	"reflect"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/tool"
)

// pieces gives its bytes in pieces of n.
type pieces struct {
	left []byte
	n    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.left[:min(p.n, len(p.left))])
	p.left = p.left[n:]
	return n, nil
}

// FuzzRequest proves of any bytes: no panic, no hang, no memory that did not come; in pieces they mean the
// same as at once; what is given is within the limits, and sent again it is read as the same.
func FuzzRequest(f *testing.F) {
	for _, c := range requestCases {
		if len(c.in) < 200 { // the fuzzer spends all its time on making longer ones shorter
			f.Add([]byte(c.in), uint8(7), false)
		}
	}
	f.Add([]byte("*1\r\n$4\r\nPING\r\nAUTH a b\r\n*11\r\n"), uint8(1), true)
	f.Fuzz(func(t *testing.T, in []byte, n uint8, stranger bool) {
		atOnce := resp.NewReader(bytes.NewReader(in), small)
		inPieces := resp.NewReader(&pieces{in, int(n) + 1}, small)
		atOnce.SetStranger(stranger)
		inPieces.SetStranger(stranger)
		got := readAll(inPieces)
		var want []string
		tool.AtMost(t, 256<<10+100*len(in), func() { want = readAll(atOnce) })
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("in pieces of %d:\n got %q\nwant %q", int(n)+1, got, want)
		}
		readAgain(t, in)
	})
}

func readAgain(t *testing.T, in []byte) {
	r := resp.NewReader(bytes.NewReader(in), small)
	for {
		batch, err := r.ReadBatch()
		for _, req := range batch {
			if (req.Err == nil) != (len(req.Args) > 0) {
				t.Fatalf("neither a command nor an error, or both: %+v", req)
			}
			if req.Err == nil {
				checkCommand(t, req.Args)
			}
		}
		if err != nil {
			return
		}
	}
}

func checkCommand(t *testing.T, cmd caucus.Command) {
	size := 0
	for _, arg := range cmd {
		size += len(arg)
		if len(arg) > small.Bulk {
			t.Fatalf("an argument of %d bytes", len(arg))
		}
	}
	if len(cmd) > small.Args || size > small.Total {
		t.Fatalf("%d arguments of %d bytes", len(cmd), size)
	}
	again, err := resp.NewReader(bytes.NewReader(resp.AppendCommand(nil, cmd)), small).ReadBatch()
	if err != nil || len(again) != 1 || !reflect.DeepEqual(again[0].Args, cmd) {
		t.Fatalf("%q became %v, %v", cmd, again, err)
	}
}

// FuzzReply proves of any bytes: no panic, no hang, no memory that did not come; in pieces they mean the
// same as at once; a reply is no larger than what came; and what was read can be sent and read again.
func FuzzReply(f *testing.F) {
	for _, in := range []string{
		"+OK\r\n-ERR no\r\n:-5\r\n$-1\r\n*-1\r\n_\r\n", "*2\r\n$1\r\na\r\n%1\r\n+k\r\n~1\r\n,1.5\r\n",
		">2\r\n+message\r\n(123456789012345678901234567890\r\n", "#t\r\n#f\r\n,inf\r\n,-inf\r\n,nan\r\n",
		"=6\r\ntxt:hi\r\n!5\r\nERR x\r\n", "|1\r\n+k\r\n:9\r\n:1\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*0\r\n",
		"$536870912\r\n", "*16777216\r\n", "%8388608\r\n", "$01\r\n", "*?\r\n", "\r\n",
	} {
		f.Add([]byte(in), uint8(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, n uint8) {
		got, gotErr := readReplies(&pieces{in, int(n) + 1}, resp.Limits{})
		var want []caucus.Reply
		var wantErr error
		tool.AtMost(t, 512<<10+500*len(in), func() {
			want, wantErr = readReplies(bytes.NewReader(in), resp.Limits{})
		})
		if !same(got, want) || gotErr.Error() != wantErr.Error() {
			t.Fatalf("in pieces of %d:\n got %v, %v\nwant %v, %v", int(n)+1, got, gotErr, want, wantErr)
		}
		if size := sizeOf(got); size > len(in) {
			t.Fatalf("%d bytes became strings and items of %d", len(in), size)
		}
		for _, reply := range got {
			sendAgain(t, reply)
		}
	})
}

// sendAgain proves that each protocol settles: what was sent and read once stays as it is.
func sendAgain(t *testing.T, reply caucus.Reply) {
	for proto := 2; proto <= 3; proto++ {
		once := readOne(t, resp.Append(nil, proto, reply))
		twice := readOne(t, resp.Append(nil, proto, once))
		if !same([]caucus.Reply{once}, []caucus.Reply{twice}) {
			t.Fatalf("RESP%d: %v became %v", proto, once, twice)
		}
	}
}

func readOne(t *testing.T, b []byte) caucus.Reply {
	replies, err := readReplies(bytes.NewReader(b), resp.Limits{})
	if len(replies) != 1 || err != io.EOF {
		t.Fatalf("%q: %v, %v", b, replies, err)
	}
	return replies[0]
}

// same compares by what is sent, since no NaN equals another.
func same(a, b []caucus.Reply) bool {
	one, other := caucus.Array(a...), caucus.Array(b...)
	return bytes.Equal(resp.Append(nil, 3, one), resp.Append(nil, 3, other)) &&
		bytes.Equal(resp.Append(nil, 2, one), resp.Append(nil, 2, other))
}

func sizeOf(replies []caucus.Reply) int {
	size := 0
	for _, r := range replies {
		size += 1 + len(r.Str) + sizeOf(r.Items)
	}
	return size
}
