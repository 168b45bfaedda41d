package differential

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/nodetest"
)

var (
	commands = flag.Int("commands", 20_000, "how many commands are compared")
	seed     = flag.Uint64("seed", 1, "what they are drawn by")
	only     = flag.Uint64("round", 0, "the only round to be drawn, or 0 for all")
)

// inARound is how many commands are said to empty servers before they are emptied again.
const inARound = 300

// mostShown is how many differences are shown in a run.
const mostShown = 5

func TestMain(m *testing.M) { nodetest.Main(m) }

// TestDifferential compares a node with Redis.
func TestDifferential(t *testing.T) {
	if testing.Short() {
		*commands = min(*commands, 2_000)
	}
	compare(t, &pair{a: theirs(t), b: here(t)}, known(generators()), *commands)
}

// TestRedisIsLikeRedis compares two servers of Redis, with all commands that it has, to see that what makes a
// difference is not how they are compared.
func TestRedisIsLikeRedis(t *testing.T) {
	compare(t, &pair{a: theirs(t), b: theirs(t)}, generators(), min(*commands, 2_000))
}

// compare compares so many commands, in rounds of RESP2 and RESP3 by turns.
func compare(t *testing.T, p *pair, gens map[string]generator, most int) {
	t.Logf("seed %d", *seed)
	shown := 0
	for round := uint64(1); most > 0 && shown < mostShown; round++ {
		if *only != 0 && round != *only {
			if round > *only {
				break
			}
			continue
		}
		p.protocol = 2 + int(round%2)
		steps := newDraw(*seed, round, p.protocol).round(gens, inARound)
		most -= len(steps)
		d, err := p.play(steps)
		if err != nil {
			t.Fatalf("-seed %d -round %d: %v", *seed, round, err)
		}
		if d != nil {
			shown++
			t.Errorf("-seed %d -round %d, RESP%d: %s", *seed, round, p.protocol, p.shortest(t, steps, d))
		}
	}
}

// pair is two servers that are told the same.
type pair struct {
	a, b     side
	protocol int
}

// say says commands to both, and gives what each replies.
func (p *pair) say(cmds []caucus.Command) (a, b []string, err error) {
	if a, err = p.a.say(cmds); err == nil {
		b, err = p.b.say(cmds)
	}
	return a, b, err
}

// difference is the first reply that differs, that to a command of step at.
type difference struct {
	at   int
	cmd  caucus.Command
	a, b string
}

// play says the steps to both, from an empty keyspace and a new conversation on, and gives the first
// difference, nil if there is none.
func (p *pair) play(steps []step) (*difference, error) {
	cmds := []caucus.Command{{"RESET"}, {"HELLO", fmt.Sprint(p.protocol)}, {"FLUSHALL"}}
	begun := len(cmds)
	var stepOf []int
	for i, s := range steps {
		for _, cmd := range s {
			cmds, stepOf = append(cmds, cmd), append(stepOf, i)
		}
	}
	a, b, err := p.say(cmds)
	if err != nil {
		return nil, err
	}
	c := comparer{table: command.New()}
	for i := begun; i < len(cmds); i++ {
		if !c.same(cmds[i], a[i], b[i]) {
			return &difference{stepOf[i-begun], cmds[i], a[i], b[i]}, nil
		}
	}
	return nil, nil
}

// shortest looks for the fewest of the steps that still make a difference, and shows it.
func (p *pair) shortest(t *testing.T, steps []step, d *difference) string {
	steps = shrink(steps[:d.at+1], func(fewer []step) bool {
		found, err := p.play(fewer)
		if err != nil {
			t.Fatalf("%v, after %s", err, show(fewer))
		}
		if found != nil {
			d = found
		}
		return found != nil
	})
	return fmt.Sprintf("the replies to %s differ:\n  %q\n  %q\nafter\n%s", quote(d.cmd), d.a, d.b, show(steps))
}

func show(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		for _, cmd := range s {
			b.WriteString("  " + quote(cmd) + "\n")
		}
	}
	return b.String()
}

// quote writes a command as redis-cli reads it.
func quote(cmd caucus.Command) string {
	words := make([]string, len(cmd))
	for i, w := range cmd {
		if words[i] = w; w == "" || strings.Trim(strings.ToLower(w),
			"abcdefghijklmnopqrstuvwxyz0123456789-+.*?:_") != "" {
			words[i] = fmt.Sprintf("%q", w)
		}
	}
	return strings.Join(words, " ")
}

// shrink gives as few of the steps as it can find with which it still differs, by leaving out pieces of them,
// large ones first (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input", 2002).
func shrink(steps []step, differs func([]step) bool) []step {
	for size := (len(steps) + 1) / 2; size > 0; {
		left := false
		for from := 0; from < len(steps); {
			to := min(from+size, len(steps))
			fewer := append(append([]step{}, steps[:from]...), steps[to:]...)
			if differs(fewer) {
				steps, left = fewer, true
			} else {
				from = to
			}
		}
		switch {
		case size > 1:
			size /= 2
		case !left:
			size = 0
		}
	}
	return steps
}

// TestShrinkLeavesWhatItTakes plants a mistake that two of many commands make.
func TestShrinkLeavesWhatItTakes(t *testing.T) {
	p := &pair{a: &clerk{}, b: &clerk{wrong: true}, protocol: 2}
	steps := newDraw(1, 1, 2).round(known(generators()), 200)
	for i, planted := range []step{one("SET", "culprit", "1"), one("DEL", "culprit")} {
		steps[50+100*i] = planted
	}
	d, err := p.play(steps)
	if err != nil || d == nil {
		t.Fatal("the mistake is not found", err)
	}
	said := p.shortest(t, steps, d)
	if want := "after\n  SET culprit 1\n  DEL culprit\n"; !strings.HasSuffix(said, want) {
		t.Errorf("%s\nwant at its end\n%s", said, want)
	}
}

// clerk is a side that says yes to everything. One that is wrong says no to a DEL of the culprit that was
// set.
type clerk struct{ wrong bool }

func (c *clerk) say(cmds []caucus.Command) ([]string, error) {
	set := false
	replies := make([]string, len(cmds))
	for i, cmd := range cmds {
		replies[i] = "+OK\r\n"
		set = set || strings.Join(cmd, " ") == "SET culprit 1"
		if c.wrong && set && strings.Join(cmd, " ") == "DEL culprit" {
			replies[i] = "-ERR no\r\n"
		}
	}
	return replies, nil
}
