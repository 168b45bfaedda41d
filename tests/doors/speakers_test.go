package doors

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
	"github.com/redis/go-redis/v9"
)

// speaker is one connection of a well-known client. It gives the scalars of a reply in order, nil
// as NULL and an error as ERROR and its text.
type speaker interface {
	say(words []string) ([]string, error)
}

// dialer connects a kind of client to a node.
type dialer struct {
	name string
	dial func(t *testing.T, addr string) speaker
}

func dialers() []dialer {
	return []dialer{
		{"redis-cli", dialCli("-2")}, {"redis-cli-RESP3", dialCli("-3")},
		{"go-redis", dialGo(2)}, {"go-redis-RESP3", dialGo(3)},
	}
}

// cli is a redis-cli that reads commands from a pipe.
type cli struct {
	in   io.WriteCloser
	pipe *os.File
	out  *bufio.Reader
}

func dialCli(proto string) func(*testing.T, string) speaker {
	return func(t *testing.T, addr string) speaker {
		tool.Need(t, "redis-cli")
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		cmd := nodetest.Command(t, "redis-cli", "-h", host, "-p", port, "--csv", proto)
		in, errIn := cmd.StdinPipe()
		out, errOut := cmd.StdoutPipe()
		if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
				t.Errorf("redis-cli: %v", err)
			}
		})
		return &cli{in, out.(*os.File), bufio.NewReader(out)}
	}
}

func (c *cli) say(words []string) ([]string, error) {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	line := strings.Join(quoted, " ") + "\n"
	end := "\n"
	if raw(words) {
		line, end = line+"ECHO end\n", "\"end\"\n"
	}
	if _, err := io.WriteString(c.in, line); err != nil {
		return nil, err
	}
	if err := c.pipe.SetReadDeadline(time.Now().Add(nodetest.Patience)); err != nil {
		return nil, err
	}
	var text strings.Builder
	for !strings.HasSuffix(text.String(), end) {
		line, err := c.out.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("redis-cli has said %q: %w", text.String(), err)
		}
		text.WriteString(line)
	}
	if raw(words) {
		return []string{strings.TrimSpace(strings.TrimSuffix(text.String(), end))}, nil
	}
	return fields(strings.TrimSuffix(text.String(), end)), nil
}

// raw says whether redis-cli shows the reply as it is, over any number of lines.
func raw(words []string) bool {
	switch strings.ToUpper(words[0] + " " + append(words, "")[1]) {
	case "CLIENT LIST", "CLIENT INFO", "CLUSTER INFO", "CLUSTER NODES",
		"LATENCY DOCTOR", "MEMORY DOCTOR":
		return true
	}
	return strings.EqualFold(words[0], "INFO")
}

// field is a scalar in redis-cli's CSV, which escapes quotes with backslashes.
var field = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[^,]+`)

func fields(line string) []string {
	list := field.FindAllString(line, -1)
	for i, f := range list {
		if text, err := strconv.Unquote(f); err == nil {
			list[i] = text
		}
	}
	return list
}

// golang is one connection of go-redis.
type golang struct{ conn *redis.Conn }

// goRedis gives a pool of go-redis that tries nothing twice.
func goRedis(t *testing.T, addr string, proto int) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr, Protocol: proto, MaxRetries: -1,
		ReadTimeout: nodetest.Patience})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func dialGo(proto int) func(*testing.T, string) speaker {
	return func(t *testing.T, addr string) speaker {
		conn := goRedis(t, addr, proto).Conn()
		t.Cleanup(func() { _ = conn.Close() }) // QUIT may have closed it
		return golang{conn}
	}
}

func (g golang) say(words []string) ([]string, error) {
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = w
	}
	reply, err := g.conn.Do(context.Background(), args...).Result()
	if text, ok := redisError(err); ok {
		return []string{"ERROR", text}, nil
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	return flat(nil, reply), nil
}

// redisError gives the text of an error that the server answered.
func redisError(err error) (string, bool) {
	var answered redis.Error
	if errors.As(err, &answered) && !errors.Is(err, redis.Nil) {
		return err.Error(), true
	}
	return "", false
}

func flat(list []string, reply any) []string {
	switch r := reply.(type) {
	case nil:
		return append(list, "NULL")
	case []any:
		for _, item := range r {
			list = flat(list, item)
		}
		return list
	case map[any]any:
		for _, key := range slices.SortedFunc(keysOf(r), func(a, b any) int {
			return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
		}) {
			list = flat(append(list, fmt.Sprint(key)), r[key])
		}
		return list
	case error:
		return append(list, "ERROR", r.Error())
	}
	return append(list, fmt.Sprint(reply))
}

func keysOf(m map[any]any) func(func(any) bool) {
	return func(yield func(any) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
