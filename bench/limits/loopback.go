package limits

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/procs"
)

// message is what is sent and comes back: about the size of a small command.
const message = 64

// echo sends back what comes over one connection.
func echo() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Println("ready", l.Addr())
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	for buf := make([]byte, message); ; {
		if _, err := io.ReadFull(conn, buf); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if _, err := conn.Write(buf); err != nil {
			return err
		}
	}
}

// Loopback sends messages to another process over TCP, each when the one before has come back.
func Loopback(ctx context.Context, self string, long time.Duration) (outcome.Limit, error) {
	limit := outcome.Limit{What: "round trip of 64 bytes over the loopback, to another process"}
	p, err := procs.Start(self, Probe, "echo")
	if err != nil {
		return limit, err
	}
	defer p.Stop()
	line, err := p.Await(ctx, "ready ")
	if err != nil {
		return limit, err
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(line, "ready "))
	if err != nil {
		return limit, err
	}
	defer conn.Close()
	times := hdrhistogram.New(1, int64(10*time.Second), 3) // nanoseconds
	begun := time.Now()
	for before := begun; before.Sub(begun) < long; {
		if err := bounce(conn); err != nil {
			return limit, err
		}
		now := time.Now()
		_ = times.RecordValue(max(1, int64(now.Sub(before)))) // bounce takes ten seconds at most
		before = now
	}
	limit.PerSecond = float64(times.TotalCount()) / time.Since(begun).Seconds()
	limit.Half = float64(times.ValueAtQuantile(50)) / float64(time.Millisecond)
	return limit, nil
}

func bounce(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	var buf [message]byte
	if _, err := conn.Write(buf[:]); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, buf[:])
	return err
}
