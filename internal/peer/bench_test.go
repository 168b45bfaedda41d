package peer_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/caucus-project/caucus/internal/peer"
)

func BenchmarkFrames(b *testing.B) {
	for _, size := range []int{100, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) { benchFrames(b, size) })
	}
}

func benchFrames(b *testing.B, size int) {
	var got atomic.Int64
	done := make(chan struct{}, 1)
	to := start(b, 2, func(_ *peer.Options, h *owner) {
		h.frames = func(_ uint64, frames []peer.Frame) {
			if got.Add(int64(len(frames))) == int64(b.N) {
				done <- struct{}{}
			}
		}
	})
	from := start(b, 1, nil)
	from.SetPeer(2, to.addr)
	from.await(b, 2, peer.To, true)
	frame := peer.Frame{Type: 1, Payload: make([]byte, size)}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	got.Store(0)
	b.ResetTimer()
	for range b.N {
		for !from.Send(2, frame) {
			runtime.Gosched()
		}
	}
	<-done
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
	b.ReportMetric(float64(b.N)/float64(from.Stats().Writes), "frames/write")
}

func BenchmarkThereAndBack(b *testing.B) {
	back := make(chan struct{}, 1)
	var echo *node
	echo = start(b, 2, func(_ *peer.Options, h *owner) {
		h.frames = func(_ uint64, frames []peer.Frame) {
			echo.Send(1, peer.Frame{Type: 2, Payload: frames[0].Payload})
		}
	})
	n := start(b, 1, func(_ *peer.Options, h *owner) {
		h.frames = func(uint64, []peer.Frame) { back <- struct{}{} }
	})
	n.SetPeer(2, echo.addr)
	echo.SetPeer(1, n.addr)
	n.await(b, 2, peer.To, true)
	echo.await(b, 1, peer.To, true)
	frame := peer.Frame{Type: 1, Payload: make([]byte, 100)}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		n.Send(2, frame)
		<-back
	}
}

func BenchmarkProbe(b *testing.B) {
	for _, password := range []string{"", "secret"} {
		b.Run("password="+password, func(b *testing.B) {
			set := func(o *peer.Options, _ *owner) { o.Password = password }
			to, from := start(b, 2, set), start(b, 1, set)
			from.SetPeer(2, to.addr)
			b.ResetTimer()
			for range b.N {
				if r := from.Probe(b.Context(), 2); r.Outcome != peer.Greeted {
					b.Fatal(r.Outcome, r.Err)
				}
			}
		})
	}
}
