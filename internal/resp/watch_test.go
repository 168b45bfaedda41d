package resp_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/resp"
)

// Watch reads ahead and loses nothing, neither requests nor the end.
func TestWatchReadsAhead(t *testing.T) {
	r := resp.NewReader(strings.NewReader("PING\r\nGET k\r\n"), resp.Limits{})
	r.SetStranger(false)
	if err := r.Watch(); !errors.Is(err, io.EOF) {
		t.Errorf("the end is %v", err)
	}
	reqs, err := r.ReadBatch()
	if err != nil || len(reqs) != 2 || reqs[1].Args[1] != "k" {
		t.Errorf("%+v, %v", reqs, err)
	}
	if _, err := r.ReadBatch(); !errors.Is(err, io.EOF) {
		t.Errorf("the end is %v", err)
	}
}

func TestWatchHoldsNoMoreThanAPipeline(t *testing.T) {
	r := resp.NewReader(strings.NewReader(strings.Repeat("PING\r\n", 100_000)), resp.Limits{})
	r.SetStranger(false)
	if err := r.Watch(); err != nil || r.Buffered() > 256<<10 {
		t.Errorf("it holds %d bytes, %v", r.Buffered(), err)
	}
}

// A deadline ends the watch and says nothing of the client.
func TestWatchIsEndedByADeadline(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	r := resp.NewReader(server, resp.Limits{})
	r.SetStranger(false)
	if err := server.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := r.Watch(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the watch ends with %v", err)
	}
	if err := server.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(client, "PING\r\n") }() // a failure is met below
	if reqs, err := r.ReadBatch(); err != nil || len(reqs) != 1 {
		t.Errorf("%+v, %v", reqs, err)
	}
}
