//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// registers is clients that set and get a few keys; all that they are answered must fit one order.
type registers struct {
	began time.Time

	mu    sync.Mutex
	calls []porcupine.Operation
}

// touch is a call: a value to set, or a key to get.
type touch struct {
	key, set string
}

func (r *registers) run(ctx context.Context, c *crew) error {
	r.began = time.Now()
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() { r.client(ctx, c, i) })
	}
	clients.Wait()
	return nil
}

// client dials until it reaches somebody, and works.
func (r *registers) client(ctx context.Context, c *crew, id int) {
	rng := c.rand(id)
	for ctx.Err() == nil {
		conn, err := c.dial(ctx, id)
		if err != nil {
			continue
		}
		for n := 0; ctx.Err() == nil; n++ {
			r.touch(c, conn, rng, id, fmt.Sprintf("%d.%d", id, n))
			rest(ctx, 40*time.Millisecond, rng)
		}
		_ = conn.Close() // it may not reach anybody
	}
}

// touch does one thing. New keys come into use all the time, so that the history of each is short.
func (r *registers) touch(c *crew, conn *client.Client, rng *rand.Rand, id int, value string) {
	one := touch{key: fmt.Sprintf("register:%d:%d", int(time.Since(r.began).Seconds()), rng.IntN(2))}
	called := time.Since(r.began)
	if rng.IntN(2) == 0 {
		one.set = value
		_, err := conn.Do(context.Background(), caucus.Command{"SET", one.key, value})
		r.note(id, one, called, "", c.write(err))
		return
	}
	reply, err := conn.Do(context.Background(), caucus.Command{"GET", one.key})
	if c.read(err) == acked {
		r.note(id, one, called, reply.Str, acked)
	}
}

// note adds a call to the history. What may still be carried out at any time ends with it.
func (r *registers) note(id int, one touch, called time.Duration, got string, o outcome) {
	ended := int64(time.Since(r.began))
	switch o {
	case refused:
		return
	case unknown:
		ended = 1 << 62
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, porcupine.Operation{ClientId: id, Input: one, Call: int64(called), Output: got,
		Return: ended})
}

func (r *registers) check(context.Context, *crew) error {
	for key, calls := range r.byKey() {
		if !porcupine.CheckOperations(register, calls) {
			return fmt.Errorf("the history of %s fits no order: %w", key, told(calls))
		}
	}
	return nil
}

// byKey divides the history: each key is a register of its own.
func (r *registers) byKey() map[string][]porcupine.Operation {
	parts := map[string][]porcupine.Operation{}
	for _, call := range r.calls {
		key := call.Input.(touch).key
		parts[key] = append(parts[key], call)
	}
	return parts
}

// told tells a history, a line for each call.
func told(calls []porcupine.Operation) (lines error) {
	for _, one := range calls {
		lines = errors.Join(lines, fmt.Errorf("%2d %12d..%-20d %+v -> %v", one.ClientId, one.Call, one.Return,
			one.Input, one.Output))
	}
	return lines
}

// register is the model of one key.
var register = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		if one := input.(touch); one.set != "" {
			return true, one.set
		}
		return output == state, state
	},
}

func TestRegistersRefuseLies(t *testing.T) {
	call := func(set, got string, from, to int64) porcupine.Operation {
		return porcupine.Operation{Input: touch{"k", set}, Call: from, Output: got, Return: to}
	}
	type calls = []porcupine.Operation
	for name, c := range map[string]struct {
		calls calls
		fits  bool
	}{
		"what was set is read":  {calls{call("a", "", 1, 2), call("", "a", 3, 4)}, true},
		"what was set is lost":  {calls{call("a", "", 1, 2), call("", "", 3, 4)}, false},
		"a read of the past":    {calls{call("a", "", 1, 2), call("b", "", 3, 4), call("", "a", 5, 6)}, false},
		"it may not have come":  {calls{call("a", "", 1, 1<<62), call("", "", 3, 4)}, true},
		"it comes from nowhere": {calls{call("", "z", 3, 4)}, false},
	} {
		r := registers{calls: c.calls}
		if err := r.check(t.Context(), nil); (err == nil) != c.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
}
