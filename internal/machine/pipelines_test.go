package machine_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// BenchmarkPipelines reads entries as a busy ensemble has them, 64 pipelines of 50 commands each, and applies
// them, at the node of their clients and at another.
func BenchmarkPipelines(b *testing.B) {
	b.Run("here", func(b *testing.B) { applyPipelines(b, steps{}) })
	b.Run("elsewhere", func(b *testing.B) { applyPipelines(b, elsewhere{}) })
}

func applyPipelines(b *testing.B, host machine.Host) {
	const pipelines, depth, keys = 64, 50, 10_000
	st := newBare(b)
	names, value := fill(st, keys), strings.Repeat("v", 64)
	next := 0
	var data []byte
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		e := entry.Entry{Batches: make([]entry.Batch, pipelines)}
		for i := range e.Batches {
			ops := make([]entry.Op, depth)
			for j := range ops {
				next++
				ops[j] = entry.Op{Conn: 1, Request: uint64(next),
					Args: caucus.Command{"SET", names[next*7919%keys], value}}
			}
			st.number++
			e.Batches[i] = entry.Batch{Node: 1, Boot: entry.Boot{1}, Number: st.number, Ops: ops}
		}
		data = e.Append(data[:0])
		st.index++
		b.StartTimer()
		read, err := entry.Decode(data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := st.m.Apply(st.index, bareTerm, read, host); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*pipelines*depth), "ns/command")
}
