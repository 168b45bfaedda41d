package machine

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// ranAs applies commands, each of a user, in one entry, and gives the first words of what is answered.
func ranAs(t *testing.T, m *Machine, lines ...string) string {
	t.Helper()
	var ops []entry.Op
	var steps []entry.Step
	for _, line := range lines {
		user, text, _ := strings.Cut(line, ": ")
		op := entry.Op{User: user, Bound: true, Args: strings.Fields(text)}
		if rest, ok := strings.CutPrefix(text, "MULTI "); ok {
			op.Args = caucus.Command{"EXEC"}
			for cmd := range strings.SplitSeq(rest, " | ") {
				op.Queue = append(op.Queue, strings.Fields(cmd))
			}
		}
		if strings.HasPrefix(text, ".setuser ") {
			op = SetUser(user, op.Args[1], op.Args[2:])
		}
		ops = append(ops, op)
	}
	for i := range ops {
		spec, err := m.row(ops[i].Args)
		writes := err == nil && (spec.Writes() || spec.Name == opSetUser) || len(ops[i].Queue) > 0
		steps = append(steps, entry.Step{Op: &ops[i], Write: writes})
	}
	written := []entry.Op{}
	for _, s := range steps {
		if s.Write {
			written = append(written, *s.Op)
		}
	}
	o, _ := m.origins.Get(1)
	e := &entry.Entry{Stamp: m.stamp + 1,
		Batches: []entry.Batch{{Node: 1, Boot: o.Boot, Number: o.Number + 1, Ops: written}}}
	out, err := m.Apply(m.index+1, m.term, e, heard{steps: steps})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range out.Batches[0].Results {
		all = append(all, gist(r.Reply))
	}
	return strings.Join(all, " ")
}

func gist(r caucus.Reply) string {
	switch {
	case r.Kind == caucus.KindArray:
		var all []string
		for _, item := range r.Items {
			all = append(all, gist(item))
		}
		return "[" + strings.Join(all, " ") + "]"
	case r.Kind == caucus.KindInt:
		return string(rune('0' + r.Int))
	case r.Str == "":
		return "nil"
	}
	return strings.Fields(r.Str)[0]
}

// heard is a host whose node has the steps.
type heard struct {
	deaf
	steps []entry.Step
}

func (h heard) Steps(*entry.Batch) []entry.Step { return h.steps }

// A user is judged where his commands are applied: what was taken from him in the same entry is gone for what
// comes behind, reads too, within transactions too, whatever his node has let pass.
func TestUsersAreJudgedWhereCommandsAreApplied(t *testing.T) {
	m := full(t)
	for _, step := range []struct {
		lines []string
		want  string
	}{
		{[]string{": .setuser ann on ~a* +@all &caucus:g:a*", "ann: SET a 1", "ann: SET b 1", "ann: GET a",
			"ann: GET b"},
			"OK OK NOPERM 1 NOPERM"},
		{[]string{"ann: MULTI SET a 2 | SET b 2 | GET a | GET b", ": GET b"}, "[OK NOPERM 2 NOPERM] nil"},
		{[]string{"ann: MULTI GET a | GET b"}, "[2 NOPERM]"},
		{[]string{"ann: GROUP CREATE other", "ann: GROUP CREATE all", "ann: GROUP LIST MATCH al*"},
			"NOPERM OK [all]"},
		{[]string{"ann: .setuser ann ~*", ": .setuser ann -acl", "ann: .setuser ann ~b"}, "OK OK NOPERM"},
		{[]string{"ann: SET a 3", ": .setuser ann -set", "ann: SET a 4", "ann: GET a"}, "OK OK NOPERM 3"},
		{[]string{"ann: INCR a", ": ACL DELUSER ann nobody", "ann: INCR a", "ann: GET a", ": GET a"},
			"4 1 NOPERM NOPERM 4"},
		{[]string{"nobody: SET a 5", "nobody: ACL LIST"}, "NOPERM NOPERM"},
		{[]string{".node: SET a 6", ".program: GET a"}, "OK 6"},
		{[]string{": .setuser default -@all", ": SET a 7", ".program: .setuser default +@all", ": GET a"},
			"OK NOPERM OK 6"},
		{[]string{": .setuser bad:name on", ": .setuser x nonsense", ": .setuser x >secret",
			": ACL DELUSER default"}, "ERR ERR ERR ERR"},
	} {
		if got := ranAs(t, m, step.lines...); got != step.want {
			t.Errorf("%q: %s, want %s", step.lines, got, step.want)
		}
	}
	if text := Describe(&entry.Entry{Batches: []entry.Batch{{Ops: []entry.Op{
		SetUser("", "ann", []string{"#$argon2id$secret", "!$argon2id$secret", "~a*"})}}}},
		func(uint64) string { return "n1" }); strings.Contains(text, "secret") || !strings.Contains(text, "~a*") {
		t.Errorf("GETLOG shows %s", text)
	}
}

// When nobody is left but the default user, who was deleted may still do nothing.
func TestTheLastUserIsDeleted(t *testing.T) {
	m := full(t)
	got := ranAs(t, m, ": .setuser ann on ~* +@all", "ann: SET a 1", ": ACL DELUSER ann alice bob",
		"ann: SET a 2", "ann: GET a", ": GET a", ": SET a 3")
	if want := "OK OK 3 NOPERM NOPERM 1 OK"; got != want || len(m.users.Listed()) != 0 {
		t.Errorf("%s, want %s; users %v", got, want, m.users.Listed())
	}
}
