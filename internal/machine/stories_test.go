package machine_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/story"
	"github.com/cockroachdb/datadriven"
)

// played is the bare machine as a stage of stories. What a line makes possible happens at once, and
// a connection lets go of a session of which it hears that it is not its own any more.
type played struct{ *bare }

func (p played) Do(name string, cmd caucus.Command) caucus.Reply {
	reply := p.bare.Do(name, cmd)
	lost := reply.Kind == caucus.KindError && caucus.ParseError(reply.Str).Word == caucus.ErrNoSession.Word
	if names := strings.EqualFold(cmd[0], "SESSION") && len(cmd) > 2; lost && !names {
		p.clients[name] = &client{conn: p.clients[name].conn}
	}
	return reply
}

func (p played) Events() []entry.Event {
	p.Advance(p.now)
	return p.bare.Events()
}

func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		story.Run(t, path, played{newBare(t)})
	})
}

// storyCommands gives the custom commands of stories, and the table with them.
func storyCommands(t testing.TB) (*command.Table, []machine.Custom) {
	t.Helper()
	var custom []machine.Custom
	var specs []command.Spec
	for _, c := range story.Commands() {
		spec, err := command.Custom(c.Name, c.Writes, c.Least, c.Most)
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, spec)
		custom = append(custom, machine.Custom{Spec: spec,
			Run: func(tx *machine.Tx, args []string) caucus.Reply { return c.Run(tx, args) }})
	}
	table, err := command.Extended(specs)
	if err != nil {
		t.Fatal(err)
	}
	return table, custom
}

// The replies about strings and keys are those of Redis 7.0; TestRedisTellsTheSameStories asks it.
func TestRedisStories(t *testing.T) {
	datadriven.Walk(t, "testdata/redis", func(t *testing.T, path string) {
		story.Run(t, path, played{newBare(t)})
	})
}
