//go:build linux

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/redis/go-redis/v9"
)

// door is a way to keys. No value is written twice, and "" is no value. Change writes provided that what it
// read before is still there; swap reads and writes in one. What they give was there before; swap does not
// know it unless it is done.
type door interface {
	get(ctx context.Context, key string) (string, error)
	set(ctx context.Context, key, value string) error
	swap(ctx context.Context, key, value string) (string, error)
	change(ctx context.Context, key, value string) (string, error)
	close()
}

// doors are the ways that there are.
var doors = []func(ctx context.Context, c *crew, id int, rng *rand.Rand) (door, error){
	openLibrary, openPool, openPlain, openWeb,
}

// notSent is the error of a call that ended before anything was written.
func notSent(err error) error { return fmt.Errorf("%w: nothing was sent: %v", caucus.ErrTryAgain, err) }

// failed is the error of a change that found something else than it had read.
var failed = caucus.Errorf(caucus.ErrConflict, "somebody else was quicker")

// library is the client library.
type library struct{ c *client.Client }

func openLibrary(ctx context.Context, c *crew, id int, _ *rand.Rand) (door, error) {
	conn, err := c.dial(ctx, id)
	return library{conn}, err
}

func (l library) get(ctx context.Context, key string) (string, error) {
	value, _, err := l.c.Get(ctx, key)
	return value, err
}

func (l library) set(ctx context.Context, key, value string) error { return l.c.Set(ctx, key, value) }

func (l library) swap(ctx context.Context, key, value string) (string, error) {
	replies, err := l.c.Transact(ctx, []caucus.Command{{"GET", key}, {"SET", key, value}})
	if err != nil {
		return "", err
	}
	return replies[0].Text(), nil
}

func (l library) change(ctx context.Context, key, value string) (seen string, err error) {
	err = l.c.Update(ctx, key, func(was string, _ bool) (string, error) {
		seen = was
		return value, nil
	})
	return seen, err
}

func (l library) close() { _ = l.c.Close() }

// pool is go-redis, at one node.
type pool struct{ c *redis.Client }

// hush keeps go-redis from telling of every connection that a dead node refused.
var hush = sync.OnceFunc(func() { redis.SetLogger(mute{}) })

type mute struct{}

// Printf implements the logger of go-redis.
func (mute) Printf(context.Context, string, ...any) {}

func openPool(_ context.Context, c *crew, id int, rng *rand.Rand) (door, error) {
	hush()
	at := c.sites[id%len(c.sites)]
	all := c.all()
	return pool{redis.NewClient(&redis.Options{Addr: all[rng.IntN(len(all))].addr(), Password: password,
		MaxRetries: -1, Protocol: 2, PoolSize: 1, DialTimeout: 2 * time.Second, ReadTimeout: patience,
		DisableIdentity: true,
		DialerRetries:   1, ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, _, addr string) (net.Conn, error) { return at.dial(ctx, addr) }})}, nil
}

func (p pool) get(ctx context.Context, key string) (string, error) {
	value, err := p.c.Get(ctx, key).Result()
	return value, orNil(err)
}

// orNil takes the reply nil for what it is.
func orNil(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func (p pool) set(ctx context.Context, key, value string) error {
	return p.c.Set(ctx, key, value, 0).Err()
}

func (p pool) swap(ctx context.Context, key, value string) (string, error) {
	var old *redis.StringCmd
	_, err := p.c.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		old = tx.Get(ctx, key)
		tx.Set(ctx, key, value, 0)
		return nil
	})
	return old.Val(), transacted(err)
}

// transacted is the error of a transaction that went out in one piece. When its MULTI was refused, by a node
// that began to serve in the middle of it, the rest may have been carried out.
func transacted(err error) error {
	if err != nil && strings.HasPrefix(err.Error(), caucus.ErrLoading.Word) {
		return fmt.Errorf("perhaps a transaction without its MULTI: %v", err)
	}
	return orNil(err)
}

func (p pool) change(ctx context.Context, key, value string) (seen string, err error) {
	sent := false
	err = p.c.Watch(ctx, func(tx *redis.Tx) (err error) {
		if seen, err = tx.Get(ctx, key).Result(); orNil(err) != nil {
			return err
		}
		sent = true
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, key, value, 0)
			return nil
		})
		return transacted(err)
	}, key)
	if err != nil && !sent {
		err = notSent(err)
	}
	return seen, err
}

func (p pool) close() { _ = p.c.Close() }

// plain is one connection to one node that no library tends.
type plain struct{ line *nodetest.Line }

func openPlain(_ context.Context, c *crew, id int, rng *rand.Rand) (door, error) {
	all := c.all()
	line, err := c.line(id, all[rng.IntN(len(all))])
	return plain{line}, err
}

// do sends commands in one piece, reads the replies, and gives the first error among them. The connection
// ends with ctx.
func (p plain) do(ctx context.Context, cmds ...caucus.Command) (replies []caucus.Reply, err error) {
	defer context.AfterFunc(ctx, func() { _ = p.line.Close() })()
	if err := p.line.Send(cmds...); err != nil {
		return nil, err
	}
	for range cmds {
		r, broken := p.line.Read()
		if broken != nil {
			return nil, broken
		}
		if err == nil {
			err = r.Err()
		}
		replies = append(replies, r)
	}
	return replies, err
}

func (p plain) get(ctx context.Context, key string) (string, error) {
	replies, err := p.do(ctx, caucus.Command{"GET", key})
	if err != nil {
		return "", err
	}
	return replies[0].Text(), nil
}

func (p plain) set(ctx context.Context, key, value string) error {
	_, err := p.do(ctx, caucus.Command{"SET", key, value})
	return err
}

// transact is a transaction, whose beginning is answered before the rest goes out: what follows a MULTI that
// was refused would be carried out one by one.
func (p plain) transact(ctx context.Context, cmds ...caucus.Command) ([]caucus.Reply, error) {
	if _, err := p.do(ctx, caucus.Command{"MULTI"}); err != nil {
		return nil, notSent(err)
	}
	replies, err := p.do(ctx, append(cmds, caucus.Command{"EXEC"})...)
	if err != nil {
		return nil, err
	}
	last := replies[len(replies)-1]
	if last.IsNil() {
		return nil, failed
	}
	return last.Items, nil
}

func (p plain) swap(ctx context.Context, key, value string) (string, error) {
	replies, err := p.transact(ctx, caucus.Command{"GET", key}, caucus.Command{"SET", key, value})
	if err != nil {
		return "", err
	}
	return replies[0].Text(), nil
}

func (p plain) change(ctx context.Context, key, value string) (string, error) {
	replies, err := p.do(ctx, caucus.Command{"WATCH", key}, caucus.Command{"GET", key})
	if err != nil {
		return "", notSent(err)
	}
	_, err = p.transact(ctx, caucus.Command{"SET", key, value})
	return replies[1].Text(), err
}

func (p plain) close() { _ = p.line.Close() }

// web is HTTP, at one node.
type web struct {
	c    *http.Client
	node string // where its door is
}

func openWeb(_ context.Context, c *crew, id int, rng *rand.Rand) (door, error) {
	at := c.sites[id%len(c.sites)]
	all := c.all()
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) { return at.dial(ctx, addr) }
	return web{node: all[rng.IntN(len(all))].at.addr + ":8989",
		c: &http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
}

// ask makes a request about a key. An error is what the node answered, or what became of the connection.
func (w web) ask(ctx context.Context, method, key, value string,
	header ...string) (was, tag string, err error) {
	var body io.Reader
	if method == http.MethodPut {
		text, err := json.Marshal(map[string]string{"value": value})
		if err != nil {
			return "", "", err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+w.node+"/v1/keys/"+url.PathEscape(key), body)
	if err != nil {
		return "", "", err
	}
	r.Header.Set("Authorization", "Bearer "+password)
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	answer, err := w.c.Do(r)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	var said struct{ Value, Error, Message string }
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return "", "", err
	}
	if said.Error != "" {
		return "", "", &caucus.Error{Word: said.Error, Message: said.Message}
	}
	return said.Value, answer.Header.Get("ETag"), nil
}

func (w web) get(ctx context.Context, key string) (string, error) {
	value, _, err := w.look(ctx, key)
	return value, err
}

// look reads a key and its revision. Both are "" when it is not there.
func (w web) look(ctx context.Context, key string) (value, tag string, err error) {
	value, tag, err = w.ask(ctx, http.MethodGet, key, "")
	var said *caucus.Error
	if errors.As(err, &said) && said.Word == caucus.ErrBad.Word {
		return "", "", nil // 404 says ERR, there is no key
	}
	return value, tag, err
}

func (w web) set(ctx context.Context, key, value string) error {
	_, _, err := w.ask(ctx, http.MethodPut, key, value)
	return err
}

// swap over HTTP is a change.
func (w web) swap(ctx context.Context, key, value string) (string, error) {
	return w.change(ctx, key, value)
}

func (w web) change(ctx context.Context, key, value string) (string, error) {
	was, tag, err := w.look(ctx, key)
	if err != nil {
		return "", notSent(err)
	}
	if tag == "" {
		_, _, err = w.ask(ctx, http.MethodPut, key, value, "If-None-Match", "*")
	} else {
		_, _, err = w.ask(ctx, http.MethodPut, key, value, "If-Match", tag)
	}
	return was, err
}

func (w web) close() { w.c.CloseIdleConnections() }
