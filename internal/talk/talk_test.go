package talk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/talk"
	"pgregory.net/rapid"
)

// The answers are those of Redis 7.0, tried with redis-cli.
func TestTransactions(t *testing.T) {
	for _, c := range []struct{ name, want, lines string }{
		{"plain", "OK | QUEUED | QUEUED | [OK | 1]", "multi;set k 1;get k;exec"},
		{"empty", "OK | []", "multi;exec"},
		{"no multi", "ERR EXEC without MULTI | ERR DISCARD without MULTI", "exec;discard"},
		{"nested", "OK | ERR MULTI calls can not be nested | QUEUED | [OK]", "multi;multi;set k 1;exec"},
		{"watch inside", "OK | ERR WATCH inside MULTI is not allowed | []", "multi;watch k;exec"},
		{"discard", "OK | QUEUED | OK | nil", "multi;set k 1;discard;get k"},
		{"unknown", "OK | ERR unknown command 'nope', with args beginning with:  | QUEUED | " +
			"EXECABORT Transaction discarded because of previous errors. | nil", "multi;nope;set k 1;exec;get k"},
		{"arity", "OK | ERR wrong number of arguments for 'get' command | EXECABORT *", "multi;get;exec"},
		{"arity of exec", "OK | EXECABORT Transaction discarded because of: wrong number of " +
			"arguments for 'exec' command | ERR EXEC without MULTI", "multi;exec x;exec"},
		{"door", "OK | ERR Command not allowed inside a transaction | EXECABORT *", "multi;client id;exec"},
		{"session", "OK | ERR Command not allowed inside a transaction | EXECABORT *", "multi;session info;exec"},
		{"join without session", "OK | NOSESSION *", "multi;group join g;exec"},
		{"others' commands", "OK | QUEUED | QUEUED | QUEUED | QUEUED | QUEUED | [PONG | OK | node:time:1 | OK | 1]",
			"multi;ping;set k 1;time;unwatch;get k;exec"},
		{"others' alone", "OK | QUEUED | [PONG]", "multi;ping;exec"},
		{"watch holds", "OK | OK | QUEUED | [OK]", "watch k;multi;set k 1;exec"},
		{"watch fails", "OK | OK | OK | QUEUED | nil", "watch k;set k 2;multi;set k 1;exec"},
		{"watch of nothing but ping", "OK | OK | OK | QUEUED | nil", "watch k;set k 2;multi;ping;exec"},
		{"watch of nothing but ping holds", "OK | OK | QUEUED | [PONG]", "watch k;multi;ping;exec"},
		{"unwatch", "OK | OK | OK | OK | QUEUED | [OK]", "watch k;set k 2;unwatch;multi;set k 1;exec"},
		{"discard unwatches", "OK | OK | OK | OK | OK | QUEUED | [OK]",
			"watch k;set k 2;multi;discard;multi;set k 1;exec"},
		{"an empty one checks too", "OK | OK | OK | nil", "watch k;set k 2;multi;exec"},
		{"exec unwatches", "OK | OK | OK | nil | OK | []", "watch k;set k 2;multi;exec;multi;exec"},
		{"reset", "OK | QUEUED | RESET | ERR EXEC without MULTI", "multi;set k 1;reset;exec"},
		{"guard holds", "OK | QUEUED | QUEUED | [OK | OK]", "multi;guard g term 1;set k 1;exec"},
		{"publish", "OK | QUEUED | [0]", "multi;publish c x;exec"},
		{"publish by the ensemble only", "NOPERM *", "publish caucus:g:x {}"},
		{"select", "OK | ERR DB index is out of range | ERR value is not an integer or out of range",
			"select 0;select 1;select x"},
		{"ping", "PONG | hi | ERR wrong number of arguments for 'ping' command | x",
			"ping;ping hi;ping a b;echo x"},
		{"a name with a dot", "ERR unknown command '.watch'*", ".watch k"},
		{"help", "[SESSION <subcommand>*", "session help"},
		{"not here", "ERR 'client id' is about a RESP connection, and this is none", "client id"},
		{"debug", "ERR DEBUG command not allowed", "debug sleep 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := strings.Split(c.lines, ";")
			newStage().expect(t, c.want, lines...)
		})
	}
}

func TestCommandsThatCannotBe(t *testing.T) {
	s := newStage()
	replies := s.pipeline([]caucus.Command{nil, {}, {""}, {"\x00"}, {"MULTI"}, nil, {"EXEC"}})
	for i, word := range []string{"ERR", "ERR", "ERR", "ERR", "OK", "ERR", "EXECABORT"} {
		if !strings.HasPrefix(replies[i].Str, word) {
			t.Errorf("%d: %+v", i, replies[i])
		}
	}
}

func TestTransactionOfReadsIsARead(t *testing.T) {
	s := newStage()
	s.do("multi", "get a", "get b", "exec")
	p := s.last()
	if len(p.Steps) != 1 || p.Writes() || p.Steps[0].Write || len(p.Steps[0].Op.Queue) != 2 || p.Local {
		t.Errorf("%+v", p)
	}
}

func TestRefusalEndsTheTransaction(t *testing.T) {
	s := newStage()
	s.expect(t, "OK | OK | QUEUED", "watch k", "multi", "set k 1")
	s.down = caucus.Errorf(caucus.ErrTryAgain, "no leader")
	s.expect(t, "TRYAGAIN no leader | PONG | ERR *", "exec", "ping", "exec")
	s.expect(t, "TRYAGAIN no leader", "watch k")
	s.down = nil
	s.expect(t, "OK | OK | QUEUED | [OK]", "set k 2", "multi", "set k 1", "exec")
}

// SAFETY A10: what stands behind what was refused is not tried, and least of all a SHUTDOWN. What was
// answered before it, and what the conversation answers by itself, is.
func TestA10_NothingBehindARefusalIsTried(t *testing.T) {
	const down = "TRYAGAIN no leader"
	const skipped = "TRYAGAIN an earlier part of the pipeline failed; this was not tried"
	for _, c := range []struct{ want, lines string }{
		{down + " | " + skipped + " | PONG", "set k 1, shutdown, ping"},
		{"node:time: | " + down + " | " + skipped, "time, get k, time"},
		{down + " | OK | QUEUED | " + skipped, "set k 1, multi, time, exec"},
		{down + " | OK | QUEUED | [PONG]", "set k 1, multi, ping, exec"},
		// WATCH ends a piece: what comes after it depends on what it answers.
		{down + " | OK | " + skipped + " | PONG", "watch k, unwatch, shutdown, ping"},
		{down + " | OK | " + skipped + " | OK | QUEUED | " + skipped,
			"watch k, unwatch, set k 1, multi, time, exec"},
	} {
		s := newStage()
		s.down = caucus.Errorf(caucus.ErrTryAgain, "no leader")
		s.expect(t, c.want, strings.Split(c.lines, ", ")...)
	}
}

func TestWhatAPlanNeeds(t *testing.T) {
	for _, c := range []struct {
		lines                 string
		local, stale, promise bool
		writes                bool
		steps                 int
	}{
		{lines: "ping;multi;get k;discard;time;select 0;nope;command count", local: true},
		{lines: "publish c x", local: true, steps: 1},
		{lines: "get k;publish c x", steps: 2},
		{lines: "readonly;get k", stale: true, steps: 1},
		{lines: "readonly;ping", local: true},
		{lines: "readonly;get k;set k 1", writes: true, steps: 2},
		{lines: "readonly;readwrite;get k", steps: 1},
		{lines: "ping;get k;set k 1;get k", writes: true, steps: 3},
		{lines: "watch a b", steps: 1},
		{lines: "multi;guard g term 1;get k;exec", steps: 1},
		{lines: "readonly;multi;guard g term 1;get k;exec", steps: 1},
		{lines: "readonly;multi;get k;exec", stale: true, steps: 1},
		{lines: "session keepalive " + id(9), promise: true, steps: 1},
		{lines: "readonly;session keepalive " + id(9), promise: true, steps: 1},
	} {
		s := newStage()
		s.do(strings.Split(c.lines, ";")...)
		p := s.last()
		if len(s.plans) != 1 || p.Local != c.local || p.Stale != c.stale || p.Promise != c.promise ||
			p.Writes() != c.writes || len(p.Steps) != c.steps {
			t.Errorf("%s: %d plans, the last %+v", c.lines, len(s.plans), p)
		}
	}
}

func TestWhereAPlanStops(t *testing.T) {
	for _, c := range []struct {
		lines string
		plans int
	}{
		{"get a;set a 1;multi;set b 1;exec;get b", 1},
		{"watch a;multi;set a 1;exec", 2},
		{"watch a;unwatch", 2},
		{"watch a;multi;discard", 2},
		{"session open;get a", 2},
		{"get a;session open", 1},
		{"group join g;group join h", 2},
		{"session close " + id(1) + ";get a", 2},
		{"get a;readonly;get a", 2},
		{"get a;group events g from 1 block 0;get b", 3},
		{"get a;group events g from 1;get b", 1},
		{"get a;group events g from 1 block x;get b", 1},
		{"get a;multi;group events g from 1 block 0;exec;get b", 1},
		{"get a;reset;get a", 2},
	} {
		s := newStage()
		s.do(strings.Split(c.lines, ";")...)
		if len(s.plans) != c.plans {
			t.Errorf("%s: %d plans", c.lines, len(s.plans))
		}
	}
}

// What is wrong with a GUARD is said when it is queued, and spoils the transaction.
func TestGuardsAreReadWhenTheyAreQueued(t *testing.T) {
	for _, wrong := range []string{"guard g term", "guard g term 1 2", "guard g term x", "guard g epoch -1",
		"guard g slot 1", "guard g slot x epoch 1", "guard g slot 1 term 1", "guard g slot 1 epoch x",
		"guard g colour 1", "guard /g term 1"} {
		s := newStage()
		s.expect(t, "OK | ERR *", "multi", wrong)
		s.expect(t, "QUEUED | EXECABORT *", "set k 1", "exec")
	}
	s := newStage()
	for _, right := range []string{"guard g term 1", "GUARD g EPOCH 18446744073709551615",
		"guard g slot 0 epoch 1"} {
		s.expect(t, "OK | QUEUED | OK", "multi", right, "discard")
	}
}

// A group that CREATE makes settles as one that JOIN makes does, by the node's own period.
func TestCreateGivesTheNodesSettlePeriod(t *testing.T) {
	for _, line := range []string{"group create g", "group create g min 2", "once 1 group create g",
		"multi;group create g;exec"} {
		s := newStage()
		s.do("session open")
		s.do(strings.Split(line, ";")...)
		last := s.last().Steps[0].Op
		if text := fmt.Sprint(last.Args, last.Queue); !strings.Contains(text, ".SETTLE 6000") {
			t.Errorf("%s: the log gets %s", line, text)
		}
	}
	s := newStage()
	s.do("group create g settle 5")
	if text := fmt.Sprint(s.last().Steps[0].Op.Args); strings.Contains(text, ".SETTLE") {
		t.Errorf("the log gets %s", text)
	}
}

// SAFETY A10: a batch too large for one entry is cut.
func TestLargeBatchesAreCut(t *testing.T) {
	s := newStage()
	big := strings.Repeat("x", 400<<10)
	s.do("set a "+big, "set b "+big, "set c "+big, "multi", "set d "+big, "set d "+big, "set d "+big, "exec")
	sizes := []int{}
	for _, p := range s.plans {
		n := 0
		for _, step := range p.Steps {
			for _, cmd := range append(step.Op.Queue, step.Op.Args) {
				n += len(strings.Join(cmd, ""))
			}
		}
		sizes = append(sizes, n)
		if n > 1<<20+400<<10 || len(p.Steps) > 1 && n > 1<<20 {
			t.Errorf("a plan of %d bytes in %d steps", n, len(p.Steps))
		}
	}
	if len(sizes) < 3 {
		t.Errorf("plans of %v bytes", sizes)
	}
	many := make([]string, 10_000)
	for i := range many {
		many[i] = "set k 1"
	}
	s = newStage()
	s.do(many...)
	if len(s.plans) < 2 {
		t.Errorf("10,000 commands in %d plans", len(s.plans))
	}
}

func TestTransactionsAreBounded(t *testing.T) {
	s := newStage()
	s.do("multi")
	big := strings.Repeat("x", 8<<20)
	for range 7 {
		s.expect(t, "QUEUED", "set k "+big)
	}
	s.expect(t, "ERR transaction too large*", "set k "+big)
	s.expect(t, "EXECABORT *", "exec")
}

func TestAuthorize(t *testing.T) {
	s := newStage(func(c *talk.Config) {
		c.User = "u"
		c.Authorize = func(user string, s *command.Spec, args caucus.Command) *caucus.Error {
			if user == "u" && s.Writes() && args[1] == "no" {
				return caucus.Errorf(caucus.ErrNoPerm, "not you")
			}
			return nil
		}
	})
	s.expect(t, "OK | NOPERM not you", "set k 1", "set no 1")
	if s.last().Steps[0].Op.User != "u" {
		t.Error("the step does not say who asks")
	}
	s.expect(t, "OK | NOPERM not you | EXECABORT *", "multi", "set no 1", "exec")
	s.expect(t, id(1)+" | NOPERM not you", "session open", "once 1 set no 1")
}

// However a stream of commands is cut into pipelines, and pipelines into plans, the answers are the same.
func TestCutsDoNotShow(t *testing.T) {
	words := []string{"set a 1", "incr a", "get a", "get b", "incr b", "ping", "time", "multi", "exec",
		"discard", "watch a", "watch a b", "unwatch", "nope", "readonly", "readwrite", "session open",
		"session close", "session keepalive", "session resume " + id(1),
		"session resume " + id(2), "session info", "group join g",
		"once 1 set a 5", "once 2 exec", "publish c x", "reset", "select 0", "session keepalive " + id(1), "get"}
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom(words), 1, 60).Draw(t, "lines")
		alone, together := newStage(), newStage()
		want := make([]string, len(lines))
		for i, line := range lines {
			want[i] = alone.do(line)
		}
		var got []string
		for rest := lines; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "pipeline")
			got = append(got, together.do(rest[:n]...))
			rest = rest[n:]
		}
		if g, w := strings.Join(got, " | "), strings.Join(want, " | "); g != w {
			t.Fatalf("%s\n together %s\n alone    %s", strings.Join(lines, ";"), g, w)
		}
		if alone.Session() != together.Session() {
			t.Fatalf("sessions %q and %q", alone.Session(), together.Session())
		}
	})
}

func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{1, 64} {
		cmds := make([]caucus.Command, n)
		for i := range cmds {
			cmds[i] = caucus.Command{"SET", "key", "value"}
		}
		b.Run(map[int]string{1: "one", 64: "pipeline"}[n], func(b *testing.B) {
			t := talk.New(talk.Config{Table: command.New()})
			results := make([]entry.Result, n)
			b.ReportAllocs()
			for b.Loop() {
				p, _ := t.Plan(cmds)
				t.Finish(p, results)
			}
		})
	}
}

// Whatever comes, there is one reply for each command, and nothing panics.
func TestAnyCommandHasAReply(t *testing.T) {
	var names []caucus.Command
	for _, s := range command.New().All() {
		names = append(names, strings.Split(s.Name, "|"))
	}
	arg := rapid.SampledFrom([]string{"", "1", "-1", "exec", "set", "session", "open", "k", "on",
		"settle", "\x00", "99999999999999999999", ".watch", id(1)})
	rapid.Check(t, func(t *rapid.T) {
		s := newStage()
		for range rapid.IntRange(1, 20).Draw(t, "pipelines") {
			cmds := make([]caucus.Command, rapid.IntRange(1, 5).Draw(t, "commands"))
			for i := range cmds {
				args := rapid.SliceOfN(arg, 0, 5).Draw(t, "args")
				cmds[i] = append(append(caucus.Command{}, rapid.SampledFrom(names).Draw(t, "name")...), args...)
			}
			if replies := s.pipeline(cmds); len(replies) != len(cmds) {
				t.Fatalf("%d replies to %d commands", len(replies), len(cmds))
			}
		}
	})
}
