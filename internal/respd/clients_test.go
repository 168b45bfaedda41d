package respd_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/respd"
	"github.com/caucus-project/caucus/internal/tool"
	"github.com/redis/go-redis/v9"
)

func TestGoRedis(t *testing.T) {
	for _, proto := range []int{2, 3} {
		s := open(t, withPassword)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		db := redis.NewClient(&redis.Options{Addr: s.addr, Protocol: proto, Password: "sesame", ClientName: "me"})
		defer db.Close()
		if err := db.Set(ctx, "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if v, err := db.Get(ctx, "k").Result(); v != "v" || err != nil {
			t.Errorf("GET gives %q, %v", v, err)
		}
		if err := db.Get(ctx, "none").Err(); err != redis.Nil {
			t.Errorf("GET of nothing gives %v", err)
		}
		pipe := db.Pipeline()
		for range 100 {
			pipe.Get(ctx, "k")
		}
		if cmds, err := pipe.Exec(ctx); err != nil || len(cmds) != 100 || cmds[99].(*redis.StringCmd).Val() != "v" {
			t.Errorf("a pipeline gives %v, %v", cmds, err)
		}
		tx := db.TxPipeline()
		tx.Set(ctx, "k", "w", 0)
		got := tx.Get(ctx, "k")
		if _, err := tx.Exec(ctx); err != nil || got.Val() != "w" {
			t.Errorf("a transaction gives %q, %v", got.Val(), err)
		}
		err := db.Watch(ctx, func(tx *redis.Tx) error {
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "k", "x", 0).Err() })
			return err
		}, "k")
		if err != nil {
			t.Errorf("WATCH: %v", err)
		}
		goRedisListens(t, ctx, db)
		if name, err := db.ClientGetName(ctx).Result(); err != nil || name != "me" {
			t.Errorf("CLIENT GETNAME gives %q, %v", name, err)
		}
		if list, err := db.ClientList(ctx).Result(); err != nil || !strings.Contains(list, "lib-name=go-redis") {
			t.Errorf("CLIENT LIST gives %q, %v", list, err)
		}
		info, err := db.Command(ctx).Result()
		if err != nil || info["get"] == nil || !info["get"].ReadOnly || info["get"].FirstKeyPos != 1 {
			t.Errorf("COMMAND gives %+v, %v", info["get"], err)
		}
	}
}

func goRedisListens(t *testing.T, ctx context.Context, db *redis.Client) {
	t.Helper()
	sub := db.Subscribe(ctx, "a")
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	if err := sub.PSubscribe(ctx, "b*"); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := db.Publish(ctx, "bb", "hi").Result(); n != 1 || err != nil {
		t.Errorf("PUBLISH gives %d, %v", n, err)
	}
	m, err := sub.ReceiveMessage(ctx)
	if err != nil || m.Channel != "bb" || m.Pattern != "b*" || m.Payload != "hi" {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestRedisCLI(t *testing.T) {
	tool.Need(t, "redis-cli")
	s := open(t, withPassword)
	host, port, _ := strings.Cut(s.addr, ":")
	cli := func(stdin string, args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		args = append([]string{"-h", host, "-p", port, "--no-auth-warning"}, args...)
		cmd := exec.CommandContext(ctx, "redis-cli", args...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("redis-cli %q: %v: %s", args, err, out)
		}
		return string(out)
	}
	for _, proto := range []string{"-2", "-3"} {
		if got := cli("", proto, "-a", "sesame", "SET", "k", "a b"); got != "OK\n" {
			t.Errorf("SET prints %q", got)
		}
		script := "get k\nmulti\nping\nget k\nexec\nnope\nclient setname x\nclient getname\n"
		want := "a b\nOK\nQUEUED\nQUEUED\nPONG\na b\nERR unknown command 'nope', with args beginning with: " +
			"\n\nOK\nx\n"
		if got := cli(script, proto, "-a", "sesame"); got != want {
			t.Errorf("a script prints %q", got)
		}
		if got := cli("", proto, "-a", "sesame", "command", "docs", "get"); !strings.Contains(got, "summary") {
			t.Errorf("COMMAND DOCS prints %q", got)
		}
		if got := cli("", proto, "-a", "sesame", "info"); !strings.Contains(got, "redis_version") {
			t.Errorf("INFO prints %q", got)
		}
	}
	if got := cli("", "PING"); !strings.HasPrefix(got, "NOAUTH Authentication required.") {
		t.Errorf("without a password: %q", got)
	}
}

func BenchmarkDoor(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(map[int]string{1: "one", 64: "pipeline"}[n], func(b *testing.B) {
			s := open(b, func(cfg *respd.Config, _ *memory) { cfg.WriteTimeout = time.Minute })
			c := s.dial()
			if err := c.SetDeadline(time.Time{}); err != nil {
				b.Fatal(err)
			}
			sent := strings.Repeat("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", n)
			want := strings.Repeat("$-1\r\n", n)
			b.ReportAllocs()
			for b.Loop() {
				c.say(sent, want)
			}
		})
	}
}
