package resp_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

func pipeline(n int) []byte {
	var b []byte
	for i := range n {
		b = resp.AppendCommand(b, caucus.Command{"SET", fmt.Sprintf("key:%06d", i), "value of some bytes"})
	}
	return b
}

// again gives the same bytes with every read, as a client does that sends one pipeline after the other.
type again []byte

func (a again) Read(p []byte) (int, error) { return copy(p, a), nil }

func benchmarkRequests(b *testing.B, n int) {
	stream := pipeline(n)
	r := resp.NewReader(again(stream), resp.Limits{})
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		batch, err := r.ReadBatch()
		if len(batch) != n || err != nil {
			b.Fatal(len(batch), err)
		}
	}
}

func BenchmarkReadPipelineOf50(b *testing.B) { benchmarkRequests(b, 50) }

func BenchmarkReadOneCommand(b *testing.B) { benchmarkRequests(b, 1) }

func BenchmarkReadLargeValue(b *testing.B) {
	stream := resp.AppendCommand(nil, caucus.Command{"SET", "k", string(make([]byte, 1<<20))})
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	var src bytes.Reader
	r := resp.NewReader(&src, resp.Limits{})
	for b.Loop() {
		src.Reset(stream)
		if _, err := r.ReadBatch(); err != nil {
			b.Fatal(err)
		}
	}
}

func someReply() caucus.Reply {
	return caucus.Array(caucus.OK(), caucus.Int(12345), caucus.Bulk("value of some bytes"), caucus.Nil(),
		caucus.Map(caucus.Bulk("index"), caucus.Int(3), caucus.Bulk("share"), caucus.Double(0.25)))
}

func BenchmarkAppendReply(b *testing.B) {
	for proto := 2; proto <= 3; proto++ {
		b.Run(fmt.Sprintf("RESP%d", proto), func(b *testing.B) {
			reply := someReply()
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = resp.Append(buf[:0], proto, reply)
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

func BenchmarkReadReply(b *testing.B) {
	stream := resp.Append(nil, 3, someReply())
	r := resp.NewReplyReader(again(stream), resp.Limits{})
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(); err != nil {
			b.Fatal(err)
		}
	}
}
