package otel_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
	"github.com/caucus-project/caucus/otel"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	pb "go.opentelemetry.io/proto/otlp/trace/v1"
)

func attribute(s *pb.Span, key string) *common.AnyValue {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

// ensemble opens three nodes, each with a tracer that sends by OTLP, as in a process of its own.
func ensemble(t *testing.T, ratio float64) []*node.Node {
	t.Helper()
	return nodetest.InProcess(t, 3, func(_ int, cfg *node.Config) {
		tracer, err := otel.New(t.Context(), otel.Config{Ratio: ratio})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := tracer.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		cfg.Tracer = tracer
	})
}

// A write at a node that follows is one trace, told by that node and the leader.
func TestOneTraceOfTwoNodes(t *testing.T) {
	sent := collect(t)
	nodes := ensemble(t, 1)
	lead := -1
	for i, words := range []string{"SET k v", "HSET h f v", "RPUSH l v"} {
		if _, err := nodes[i].Propose(t.Context(), strings.Fields(words)...); err != nil {
			t.Fatal(err)
		}
		cmd, _, _ := strings.Cut(words, " ")
		nodetest.Eventually(t, cmd+" was sent", func() bool { return len(sent.trace(cmd)) == 7 })
		s := sent.trace(cmd)
		told := func(name string) string { return attribute(s[name], "caucus.node").GetStringValue() }
		if len(s["write"].ParentSpanId) != 0 {
			t.Errorf("the first span has a parent: %v", s["write"])
		}
		for name, parent := range map[string]string{"wait": "write", "replicate": "write", "answer": "write",
			"gather": "replicate", "sync": "replicate", "commit": "replicate"} {
			if !bytes.Equal(s[name].ParentSpanId, s[parent].SpanId) {
				t.Errorf("%v is not below %v", s[name], s[parent])
			}
			by := map[string]string{"write": nodes[i].Name(), "replicate": told("gather")}[parent]
			if told(name) != by {
				t.Errorf("%s was told by %s", name, told(name))
			}
		}
		inOrder(t, s)
		if told("gather") == nodes[i].Name() {
			lead = i
		}
		if attribute(s["commit"], "caucus.log.index").GetIntValue() == 0 {
			t.Errorf("no place in the log: %v", s["commit"])
		}
	}
	if lead < 0 || len(sent.services) != 1 || !sent.services["caucus"] {
		t.Errorf("node %d of three led; services %v", lead, sent.services)
	}
}

// inOrder looks at what one clock has told: that of the client's node, and that of the leader.
func inOrder(t *testing.T, s map[string]*pb.Span) {
	t.Helper()
	for _, pair := range [][2]string{{"wait", "replicate"}, {"replicate", "answer"}, {"gather", "sync"},
		{"gather", "commit"}} {
		first, then := s[pair[0]], s[pair[1]]
		if first.StartTimeUnixNano > first.EndTimeUnixNano || first.EndTimeUnixNano != then.StartTimeUnixNano ||
			then.StartTimeUnixNano > then.EndTimeUnixNano {
			t.Errorf("%v and then %v", first, then)
		}
	}
	if s["sync"].EndTimeUnixNano > s["commit"].EndTimeUnixNano {
		t.Errorf("committed before it was on the leader's disk: %v, %v", s["sync"], s["commit"])
	}
	age := time.Since(time.Unix(0, int64(s["write"].StartTimeUnixNano)))
	if age < 0 || age > nodetest.Patience {
		t.Errorf("it began %v ago", age)
	}
}

// Nothing is traced by chance at ratio 0, and a client's trace goes on nevertheless.
func TestAClientsTraceGoesOn(t *testing.T) {
	sent := collect(t)
	nodes := ensemble(t, 0)
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, n := range nodes {
		_, _, addr := n.Addresses()
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+addr+"/v1/commands",
			strings.NewReader(`["SET", "k", "v"]`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("traceparent", "00-"+trace+"-"+parent+"-01")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	nodetest.Eventually(t, "all was sent", func() bool {
		sent.mu.Lock()
		defer sent.mu.Unlock()
		return len(sent.spans) == 7*len(nodes)
	})
	for _, s := range sent.spans {
		below := hex.EncodeToString(s.ParentSpanId) == parent
		if hex.EncodeToString(s.TraceId) != trace || below != (s.Name == "write") {
			t.Errorf("%v", s)
		}
	}
}

func TestARatioIsBetweenNoneAndAll(t *testing.T) {
	for _, ratio := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		if _, err := otel.New(t.Context(), otel.Config{Ratio: ratio}); err == nil {
			t.Errorf("%v was taken", ratio)
		}
	}
	for ratio, want := range map[float64]int{0: 0, 1: 1000} {
		tracer, err := otel.New(t.Context(), otel.Config{Ratio: ratio})
		if err != nil {
			t.Fatal(err)
		}
		defer tracer.Close(t.Context())
		got := 0
		for range 1000 {
			if tracer.Sample(false) {
				got++
			}
		}
		if got != want || !tracer.Sample(true) {
			t.Errorf("ratio %v: %d of 1000, and %v for who asks", ratio, got, tracer.Sample(true))
		}
	}
}

// A failure is told as such, and what a node has not said stays away.
func TestAFailureIsAnError(t *testing.T) {
	sent := collect(t)
	tracer, err := otel.New(t.Context(), otel.Config{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tracer.Span(node.Span{Trace: [16]byte{1}, ID: [8]byte{2}, Name: "write", Node: "n1", Begin: now, End: now,
		Commands: []string{"SET"}, Error: "TRYAGAIN"})
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := sent.trace("SET")["write"]
	if s.Status.GetCode() != pb.Status_STATUS_CODE_ERROR || s.Status.GetMessage() != "TRYAGAIN" ||
		attribute(s, "caucus.log.index") != nil {
		t.Errorf("told: %v", s)
	}
}

// A sample that says no costs no memory.
func TestNoSampleAllocatesNothing(t *testing.T) {
	tracer, err := otel.New(t.Context(), otel.Config{Ratio: 1e-12})
	if err != nil {
		t.Fatal(err)
	}
	defer tracer.Close(t.Context())
	if n := testing.AllocsPerRun(1000, func() { tracer.Sample(false) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
