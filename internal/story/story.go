package story

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/cockroachdb/datadriven"
)

// Stage is where a story is played. Times are milliseconds since the story began and never go back. A client
// is a connection of its own from its first line on; after HangUp the same name is a new connection.
type Stage interface {
	// Do carries out a command of a client and gives the reply as the client sees it.
	Do(client string, cmd caucus.Command) caucus.Reply
	// Wait carries out a command that is given a place in line, and returns when it has it. The client's next is
	// Hear, or HangUp.
	Wait(client string, cmd caucus.Command)
	// Hear gives the answer to the command by which a client waits, once it has come.
	Hear(client string) caucus.Reply
	// HangUp closes a client's connection from the client's side.
	HangUp(client string)
	// Advance lets time pass until the given time.
	Advance(to int64)
	// Events gives the events since it was last asked, in the order of each group's seq.
	Events() []entry.Event
}

// Run plays the story of a file on a stage of its own.
//
// A story is blocks of "at MILLISECONDS", lines, "----" and what they print. A line is "client: COMMAND
// ...", with "quoted words" where needed, $client for the id of the session that the client opened last,
// and #name for a number that was printed as a name: #t1, #e2, #p1, and #l1+3 for a seq, or #now+100 for a
// time that is so many milliseconds after what the last KEEPALIVE has told; or "client hangs up"; or
// "client waits: COMMAND ...", for one that gets a place in line, and later "client hears", which prints
// its answer.
func Run(t *testing.T, path string, stage Stage) {
	t.Helper()
	p := &player{stage: stage, names: newNames(), ids: map[string]string{}}
	datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
		return p.block(t, d)
	})
}

// player plays one story.
type player struct {
	stage Stage
	names *names
	ids   map[string]string // client to the id of its session
	out   strings.Builder
}

func (p *player) block(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	if d.Cmd != "at" || len(d.CmdArgs) != 1 {
		d.Fatalf(t, "a block begins with: at MILLISECONDS")
	}
	at, err := strconv.ParseInt(d.CmdArgs[0].Key, 10, 64)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	p.out.Reset()
	p.stage.Advance(at)
	p.events()
	for line := range strings.Lines(d.Input) {
		if err := p.line(strings.TrimSpace(line)); err != nil {
			d.Fatalf(t, "%v", err)
		}
	}
	return p.out.String()
}

func (p *player) line(line string) error {
	if client, ok := strings.CutSuffix(line, " hangs up"); ok {
		p.stage.HangUp(client)
		fmt.Fprintln(&p.out, line)
		p.events()
		return nil
	}
	if client, ok := strings.CutSuffix(line, " hears"); ok {
		p.say(client, Print(p.names.reply(nil, p.stage.Hear(client))))
		p.events()
		return nil
	}
	client, rest, ok := strings.Cut(line, ": ")
	if !ok {
		return fmt.Errorf("%q is neither \"client: COMMAND\" nor \"client hangs up\"", line)
	}
	cmd, err := p.words(rest)
	if err != nil {
		return fmt.Errorf("%q: %w", line, err)
	}
	if name, waits := strings.CutSuffix(client, " waits"); waits {
		p.stage.Wait(name, cmd)
		fmt.Fprintln(&p.out, client)
		p.events()
		return nil
	}
	reply := p.stage.Do(client, cmd)
	p.learn(client, cmd, reply)
	p.say(client, Print(p.names.reply(cmd, reply)))
	p.events()
	return nil
}

// learn remembers the id of a session that was opened.
func (p *player) learn(client string, cmd caucus.Command, reply caucus.Reply) {
	if is(cmd, "session", "open") && reply.Kind == caucus.KindBulk {
		p.ids[client] = reply.Str
		p.names.sessions.of(reply.Str)
	}
}

func (p *player) say(client string, lines []string) {
	lead := client + ": "
	for _, line := range lines {
		fmt.Fprintf(&p.out, "%s%s\n", lead, line)
		lead = strings.Repeat(" ", len(lead))
	}
}

func (p *player) events() {
	for _, e := range p.stage.Events() {
		fmt.Fprintf(&p.out, "   %s\n", p.names.event(e.JSON))
	}
}

// words splits a command, in which quotes hold a word together and $client stands for an id.
func (p *player) words(text string) (cmd caucus.Command, err error) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		word := text
		if text[0] == '"' {
			if word, err = strconv.QuotedPrefix(text); err != nil {
				return nil, err
			}
			text = text[len(word):]
			word, _ = strconv.Unquote(word)
		} else {
			word, text, _ = strings.Cut(text, " ")
		}
		if client, ok := strings.CutPrefix(word, "$"); ok && client != "" {
			word = p.ids[client]
		} else if name, ok := strings.CutPrefix(word, "#"); ok {
			word = p.names.number(name)
		}
		cmd = append(cmd, word)
	}
	return cmd, nil
}

func is(cmd caucus.Command, words ...string) bool {
	if len(cmd) < len(words) {
		return false
	}
	for i, w := range words {
		if !strings.EqualFold(cmd[i], w) {
			return false
		}
	}
	return true
}
