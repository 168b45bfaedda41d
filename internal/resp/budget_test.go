package resp_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// Readers that share a budget hold together no more than it has; who needs more is refused, and what one
// gives back another may have.
func TestReadersShareABudget(t *testing.T) {
	budget := resp.NewBudget(1 << 20)
	half := func() (*resp.Reader, error) { // of a command of 900 KB
		text := "*2\r\n$4\r\nECHO\r\n$900000\r\n" + strings.Repeat("x", 700_000)
		r := resp.NewReader(strings.NewReader(text), resp.Limits{Budget: budget})
		_, err := r.ReadBatch()
		return r, err
	}
	first, err := half()
	if !errors.Is(err, io.EOF) || budget.Held() == 0 {
		t.Fatalf("%v, and %d bytes held", err, budget.Held())
	}
	second, err := half()
	var refused *caucus.Error
	if !errors.As(err, &refused) || refused.Word != "OOM" ||
		!strings.Contains(refused.Message, "max-client-memory") {
		t.Errorf("a second gets %v", err)
	}
	if held := budget.Held(); held > 1<<20 {
		t.Errorf("%d bytes are held", held)
	}
	second.Release()
	first.Release()
	if held := budget.Held(); held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
	third, err := half()
	if !errors.Is(err, io.EOF) {
		t.Errorf("a third gets %v", err)
	}
	third.Release()
}

// A holding counts what is beyond what each may have, keeps what it has when it may not have more, and gives
// back all of it.
func TestAHoldingCountsWhatIsBeyond(t *testing.T) {
	budget := resp.NewBudget(100)
	one, two := budget.Holding(), budget.Holding()
	for _, c := range []struct {
		of    *resp.Holding
		bytes int
		may   bool
		held  int64
	}{
		{&one, resp.FreeBytes, true, 0}, {&two, resp.FreeBytes + 60, true, 60},
		{&one, resp.FreeBytes + 41, false, 60}, {&one, resp.FreeBytes + 40, true, 100},
		{&two, resp.FreeBytes + 61, false, 100}, {&two, 5, true, 40},
		{&one, resp.FreeBytes + 100, true, 100},
	} {
		if fits := c.of.Fits(c.bytes); fits != c.may {
			t.Errorf("that %d bytes fit: %v", c.bytes, fits)
		}
		if may := c.of.Resize(c.bytes); may != c.may || budget.Held() != c.held {
			t.Errorf("%d bytes: %v, and %d are held", c.bytes, may, budget.Held())
		}
	}
	one.Release()
	if held := budget.Held(); held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
	var boundless *resp.Budget
	if any := boundless.Holding(); !any.Resize(1<<40) || !any.Fits(1<<40) {
		t.Error("without a budget there is a bound")
	}
}

// What is small counts nothing, so that a thousand idle connections need no budget.
func TestSmallCommandsNeedNoBudget(t *testing.T) {
	budget := resp.NewBudget(0)
	for n := range 100 {
		text := fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$20000\r\n%s\r\n", strings.Repeat("x", 20_000))
		r := resp.NewReader(strings.NewReader(text), resp.Limits{Budget: budget})
		if reqs, err := r.ReadBatch(); err != nil || len(reqs) != 1 {
			t.Fatalf("reader %d: %v", n, err)
		}
	}
}
