package talk_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/talk"
)

// stage is a conversation with a state of strings and sessions behind it, as small as can be.
type stage struct {
	*talk.Talk
	table    *command.Table
	keys     map[string]string
	revs     map[string]int64
	sessions map[entry.Session]uint64
	counter  int64
	version  int64
	down     *caucus.Error // refuses every step
	plans    []*talk.Plan  // all that were made
	drawn    byte
}

func newStage(change ...func(*talk.Config)) *stage {
	s := &stage{table: command.New(), keys: map[string]string{}, revs: map[string]int64{},
		sessions: map[entry.Session]uint64{}}
	cfg := talk.Config{Conn: 7, Table: s.table, Settle: 6000, NewID: s.newID, Node: s.node}
	for _, f := range change {
		f(&cfg)
	}
	s.Talk = talk.New(cfg)
	return s
}

func (s *stage) newID() [16]byte {
	s.drawn++
	return [16]byte{s.drawn}
}

func (s *stage) node(cmd caucus.Command) caucus.Reply {
	return caucus.Bulk("node:" + cmd[0] + ":" + s.keys["k"])
}

// do sends a pipeline and gives its replies as text.
func (s *stage) do(lines ...string) string {
	cmds := make([]caucus.Command, len(lines))
	for i, line := range lines {
		cmds[i] = strings.Fields(line)
	}
	return show(s.pipeline(cmds))
}

func show(replies []caucus.Reply) string {
	texts := make([]string, len(replies))
	for i, r := range replies {
		texts[i] = text(r)
	}
	return strings.Join(texts, " | ")
}

func text(r caucus.Reply) string {
	switch {
	case r.IsNil():
		return "nil"
	case r.Kind == caucus.KindArray || r.Kind == caucus.KindMap:
		return "[" + show(r.Items) + "]"
	}
	return r.Text()
}

func (s *stage) pipeline(cmds []caucus.Command) (replies []caucus.Reply) {
	for refused := false; len(cmds) > 0; {
		p, used := s.Plan(cmds)
		s.plans = append(s.plans, p)
		cmds = cmds[used:]
		switch {
		case refused:
			replies = append(replies, s.Skip(p)...)
			continue
		case s.down != nil && !p.Local:
			replies = append(replies, s.Fail(p, s.down)...)
			refused = true
			continue
		}
		results := make([]entry.Result, len(p.Steps))
		for i, step := range p.Steps {
			results[i] = s.step(step.Op)
		}
		replies = append(replies, s.Finish(p, results)...)
	}
	return replies
}

func (s *stage) last() *talk.Plan { return s.plans[len(s.plans)-1] }

func (s *stage) step(op *entry.Op) entry.Result {
	if len(op.Queue) == 0 {
		return s.one(op, op.Args)
	}
	for _, w := range op.Watch {
		if _, present := s.keys[w.Key]; present != w.Present || s.revs[w.Key] != int64(w.Revision) {
			return entry.Result{Reply: caucus.NilArray()}
		}
	}
	all := make([]caucus.Reply, len(op.Queue))
	for i, cmd := range op.Queue {
		all[i] = s.one(op, cmd).Reply
	}
	return entry.Result{Reply: caucus.Array(all...)}
}

func (s *stage) one(op *entry.Op, cmd caucus.Command) entry.Result {
	if cmd[0] == ".watch" {
		items := []caucus.Reply{}
		for _, key := range cmd[1:] {
			_, present := s.keys[key]
			items = append(items, caucus.Int(s.revs[key]), caucus.Truth(present))
		}
		return entry.Result{Reply: caucus.Array(items...)}
	}
	spec, err := s.table.Lookup(cmd)
	if err != nil {
		return entry.Result{Reply: caucus.ErrorReply(err)}
	}
	if strings.HasPrefix(spec.Name, "session|") || spec.Name == "group|join" {
		return s.session(op, spec.Name, cmd)
	}
	return entry.Result{Reply: s.store(spec.Name, cmd)}
}

func (s *stage) store(name string, cmd caucus.Command) caucus.Reply {
	switch name {
	case "get":
		if v, ok := s.keys[cmd[1]]; ok {
			return caucus.Bulk(v)
		}
		return caucus.Nil()
	case "set", "incr":
		s.counter++
		if name == "set" {
			s.keys[cmd[1]] = cmd[2]
		} else {
			s.keys[cmd[1]] += "+"
		}
		s.revs[cmd[1]] = s.counter
		return caucus.OK()
	case "publish":
		return caucus.Int(0)
	case "guard":
		return caucus.OK()
	}
	return caucus.Fail(caucus.ErrBad, "the stage has no %s", name)
}

// session carries out SESSION and GROUP JOIN.
func (s *stage) session(op *entry.Op, name string, cmd caucus.Command) entry.Result {
	named := op.Session
	if len(cmd) > 2 && name != "session|open" && name != "group|join" {
		copy(named[:], cmd[2])
	}
	_, alive := s.sessions[named]
	gone := entry.Result{Reply: caucus.Fail(caucus.ErrNoSession, "no such session")}
	switch {
	case name == "session|open" || name == "group|join" && op.Fresh != entry.Session{} && !alive:
		return s.attach(op.Fresh)
	case !alive && name == "session|close":
		return entry.Result{Reply: caucus.Int(0)}
	case !alive:
		return gone
	case name == "session|close":
		delete(s.sessions, named)
		return entry.Result{Reply: caucus.Int(1)}
	case name == "session|resume":
		return s.attach(named)
	case name == "session|info":
		return entry.Result{Reply: caucus.Map(caucus.Bulk("id"), caucus.Bulk("?"),
			caucus.Bulk("ttl"), caucus.Int(9))}
	case op.Attach != 0 && op.Attach != s.sessions[named]:
		return gone
	case name == "session|keepalive":
		return entry.Result{Reply: caucus.Array(caucus.Int(1000), caucus.Int(5), caucus.Int(s.version))}
	}
	return entry.Result{Reply: caucus.Bulk("m1")}
}

func (s *stage) attach(session entry.Session) entry.Result {
	s.counter++
	s.sessions[session] = uint64(s.counter)
	return entry.Result{Reply: caucus.Int(s.counter), Attach: uint64(s.counter)}
}

// expect compares what a pipeline answers. A want that ends with * is a beginning.
func (s *stage) expect(t *testing.T, want string, lines ...string) {
	t.Helper()
	got := s.do(lines...)
	beginning, open := strings.CutSuffix(want, "*")
	if got != want && !(open && strings.HasPrefix(got, beginning)) {
		t.Errorf("%s\n gives %s\n  want %s", strings.Join(lines, " ; "), got, want)
	}
}

func id(n byte) string { return fmt.Sprintf("%02x%030d", n, 0) }

func op(p *talk.Plan, i int) string {
	o := p.Steps[i].Op
	return fmt.Sprintf("%s %q attach=%d bound=%v once=%d fresh=%v", strconv.FormatBool(p.Steps[i].Write),
		[]string(o.Args), o.Attach, o.Bound, o.Once, o.Fresh != entry.Session{})
}
