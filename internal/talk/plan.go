package talk

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
)

// How much goes into one plan, so that its writes fit one entry (SAFETY A10). A single command may be larger.
const (
	maxItems = 4096
	maxBytes = 1 << 20
)

// Plan is the longest beginning of a pipeline that can be carried out at once. It belongs to its
// conversation; its Ops must not be changed, but may be kept.
type Plan struct {
	// Steps are carried out in order. When one of them is a write, all of them go the way of writes, the
	// reads at their places between them (SAFETY A10); else they are reads of one state.
	Steps []entry.Step
	// Beats are the signs of life that come with these commands.
	Beats []entry.Beat
	// Promise says that an answer is a promise: the leader must have recorded the beats, and confirmed its
	// leadership after that, before the steps are answered (SAFETY A2).
	Promise bool
	// Local says that neither log nor confirmation is needed: the steps, if any, only publish and may be
	// answered from any state.
	Local bool
	// Stale says that the client asked for local reads and nothing here needs more.
	Stale bool
	// Wait is for a plan of one read whose empty answer may be waited for; nil for all others.
	Wait *Wait

	items    []item
	said     []caucus.Reply // of the items that are said
	ops      []entry.Op
	room     int // steps for which room is made, with the first
	bytes    int
	writes   bool
	firm     bool // a step needs the log or a confirmed state
	asksNode bool // the node answers one of them
	watching bool // a WATCH is among the steps, so what watches will be known after them
	guarded  bool // a GUARD is among the steps, which an old state cannot answer
}

// item is one used command and where its reply comes from.
type item struct {
	kind  kind
	step  int    // index in Steps, for those kinds that have one, or in said
	extra *extra // for what is not a plain step
}

// hasStep says whether an item's reply comes of a step.
func (it *item) hasStep() bool {
	return it.kind != said && it.kind != ofNode && !(it.kind == executed && it.extra.noOp)
}

// asksNode says whether the node itself has a part in the reply, and no step has.
func (it *item) asksNode() bool {
	return it.kind == ofNode || it.kind == executed && it.extra.noOp && it.extra.tx.asksNode
}

type kind uint8

const (
	plain    kind = iota // the step's reply as it is
	said                 // known when planned
	ofNode               // the node answers, when its turn comes
	watched              // the step gives the revisions
	opened               // the step may open a session
	resumed              // the step takes a session over
	closed               // the step may end the carried session
	promised             // the step is a KEEPALIVE of the carried session
	informed             // the step is SESSION INFO
	foreign              // the step is about sessions that it names
	executed             // a transaction
	read                 // the step is a CHANGES that may wait
)

type extra struct {
	reply caucus.Reply
	cmd   caucus.Command
	carry carried
	tx    *transaction
	noOp  bool // the transaction has no step

	changes *changesWait
}

// Unread says that the answers to what stood before in the same pipeline have not been handed to
// the client yet, so that its beat is no evidence that it has read them (SAFETY A3).
func (p *Plan) Unread() {
	for i := range p.Beats {
		p.Beats[i].Seen = 0
	}
}

// Soon says whether the answers come as soon as the steps are carried out: nothing waits for its answer, and
// no command is for the node itself, which may ask the others.
func (p *Plan) Soon() bool { return p.Wait == nil && !p.asksNode }

// Writes says whether the plan must go through the log.
func (p *Plan) Writes() bool { return p.writes }

// verdict is what planning one command came to.
type verdict uint8

const (
	goOn      verdict = iota
	stopAfter         // what follows depends on its result
	notNow            // it depends on a result of this plan; nothing was done yet
)

// Plan plans the longest beginning of cmds that can go as one and says how many commands that is: at least
// one, when there is one. What stops a plan is a command that depends on what an earlier one comes to, and
// size.
func (t *Talk) Plan(cmds []caucus.Command) (p *Plan, used int) {
	room := min(len(cmds), maxItems)
	carry, seen := t.carry, t.seen
	steps := room
	if room > 1 && t.cfg.Share != nil {
		steps = min(room, t.cfg.Share(len(cmds)))
	}
	p = newPlan(steps)
	for used < room && (used == 0 || len(p.Steps) < steps) {
		size := sizeOf(cmds[used])
		if used > 0 && p.bytes+size > maxBytes {
			break
		}
		v := t.command(p, cmds[used])
		if v == notNow {
			break
		}
		p.bytes += size
		t.request++
		used++
		if v == stopAfter {
			break
		}
	}
	t.seal(p, carry, seen)
	return p, used
}

// newPlan makes a plan for so many steps at most. Most have one, so that all of it is made at once.
func newPlan(steps int) *Plan {
	if steps > 1 {
		return &Plan{items: make([]item, 0, steps), room: steps}
	}
	lone := &struct {
		plan Plan
		item [1]item
		step [1]entry.Step
		op   [1]entry.Op
	}{}
	lone.plan.items, lone.plan.Steps, lone.plan.ops = lone.item[:0], lone.step[:0], lone.op[:0]
	return &lone.plan
}

// seal fills in what depends on the whole plan. The beat is of the session that was carried when the
// request came.
func (t *Talk) seal(p *Plan, carry carried, seen uint64) {
	if carry.session != (entry.Session{}) && len(p.items) > 0 {
		beat := entry.Beat{Session: carry.session, Attach: carry.attach, Seen: seen, User: t.cfg.User}
		p.Beats = append([]entry.Beat{beat}, p.Beats...)
	}
	p.Local = !p.firm
	p.Stale = t.stale && p.firm && !p.writes && !p.Promise && !p.guarded
}

func sizeOf(cmd caucus.Command) int {
	n := 0
	for _, arg := range cmd {
		n += len(arg) + 2
	}
	return n
}

// command plans one command.
func (t *Talk) command(p *Plan, cmd caucus.Command) verdict {
	spec, err := t.cfg.Table.Lookup(cmd)
	if err == nil {
		err = t.may(spec, cmd)
	}
	if err == nil && spec.Name == "debug" {
		err = caucus.Errorf(caucus.ErrBad, "DEBUG command not allowed")
	}
	switch {
	case err != nil && len(cmd) > 0 && strings.EqualFold(cmd[0], "exec"):
		return t.abort(p, err)
	case err != nil:
		return t.refuse(p, err)
	case t.tx != nil:
		return t.inside(p, spec, cmd)
	}
	return t.outside(p, spec, cmd)
}

// may is the hook before every command. Only the ensemble itself publishes on the channels of its events.
func (t *Talk) may(s *command.Spec, cmd caucus.Command) *caucus.Error {
	if s.Name == "publish" && strings.HasPrefix(cmd[1], "caucus:") {
		return caucus.Errorf(caucus.ErrNoPerm, "only the ensemble publishes on channels that begin with caucus:")
	}
	if t.cfg.Authorize == nil {
		return nil
	}
	return t.cfg.Authorize(t.cfg.User, s, cmd)
}

// refuse answers a command that is wrong in itself. It spoils the transaction that it stands in.
func (t *Talk) refuse(p *Plan, err *caucus.Error) verdict {
	if t.tx != nil {
		t.tx.spoiled = true
	}
	return p.say(caucus.ErrorReply(err))
}

// outside plans a command that stands in no transaction.
func (t *Talk) outside(p *Plan, s *command.Spec, cmd caucus.Command) verdict {
	if s.Helps() {
		return p.say(t.answer(s, cmd))
	}
	switch s.Home {
	case command.Door:
		return p.say(notHere(s))
	case command.Node:
		if s.Name == "acl|setuser" || s.Name == "acl|log" {
			return t.alone(p, cmd)
		}
		p.asksNode = true
		return p.add(item{kind: ofNode, extra: &extra{cmd: cmd}})
	case command.Talk:
		return t.own(p, s, cmd)
	}
	if container, sub, ok := strings.Cut(s.Name, "|"); ok && container == "session" {
		return t.session(p, s, sub, cmd)
	}
	switch s.Name {
	case "group|join":
		return t.enter(p, t.settle(cmd), 0)
	case "lock|acquire":
		return t.acquire(p, s, cmd)
	case "group|send":
		return t.send(p, cmd)
	case "group|create":
		cmd = t.settle(cmd)
	}
	if millis, waits := s.Waits(cmd); waits {
		if s.Timeout != 0 {
			return t.pop(p, cmd, millis)
		}
		return t.wait(p, s, cmd, millis)
	}
	t.step(p, s.Writes(), cmd)
	p.firm = p.firm || !s.Has(command.PubSub)
	return p.add(item{step: len(p.Steps) - 1})
}

// alone plans what the node answers and what changes, or tells, what others of its pipeline may do: what
// stands before it has been carried out then, and what follows has not been judged.
func (t *Talk) alone(p *Plan, cmd caucus.Command) verdict {
	if len(p.items) > 0 {
		return notNow
	}
	p.asksNode = true
	p.add(item{kind: ofNode, extra: &extra{cmd: cmd}})
	return stopAfter
}

// notHere answers what only a RESP connection has.
func notHere(s *command.Spec) caucus.Reply {
	return caucus.Fail(caucus.ErrBad, "'%s' is about a RESP connection, and this is none",
		strings.ReplaceAll(s.Name, "|", " "))
}

// own plans what the conversation itself answers.
func (t *Talk) own(p *Plan, s *command.Spec, cmd caucus.Command) verdict {
	switch s.Name {
	case "multi":
		t.tx = &transaction{}
		return p.say(caucus.OK())
	case "exec":
		return p.say(caucus.Fail(caucus.ErrBad, "EXEC without MULTI"))
	case "discard":
		return p.say(caucus.Fail(caucus.ErrBad, "DISCARD without MULTI"))
	case "watch":
		return t.watchKeys(p, cmd)
	case "unwatch":
		if p.watching {
			return notNow
		}
		t.watch = nil
		return p.say(caucus.OK())
	case "once":
		return t.once(p, cmd)
	case "readonly", "readwrite":
		if p.firm {
			return notNow
		}
		t.stale = s.Name == "readonly"
		return p.say(caucus.OK())
	case "reset":
		return t.reset(p)
	}
	return p.say(t.answer(s, cmd))
}

func (t *Talk) reset(p *Plan) verdict {
	if len(p.items) > 0 {
		return notNow
	}
	t.Reset()
	return p.say(caucus.Status("RESET"))
}

// step adds the step of a command and gives its operation, to be completed.
func (t *Talk) step(p *Plan, write bool, args caucus.Command) *entry.Op {
	if p.ops == nil {
		p.Steps, p.ops = make([]entry.Step, 0, p.room), make([]entry.Op, 0, p.room)
	}
	p.ops = append(p.ops, entry.Op{Conn: t.cfg.Conn, Request: t.request + 1, Session: t.carry.session,
		Attach: t.carry.attach, User: t.cfg.User, Args: args})
	op := &p.ops[len(p.ops)-1]
	p.Steps = append(p.Steps, entry.Step{Op: op, Write: write})
	p.writes = p.writes || write
	return op
}

// firmStep is step for what needs the log or a confirmed state.
func (t *Talk) firmStep(p *Plan, write bool, args caucus.Command) *entry.Op {
	p.firm = true
	return t.step(p, write, args)
}

func (p *Plan) add(it item) verdict {
	p.items = append(p.items, it)
	return goOn
}

// last adds the item of the step that was added last.
func (p *Plan) last(k kind, x *extra) verdict {
	return p.add(item{kind: k, step: len(p.Steps) - 1, extra: x})
}

func (p *Plan) say(r caucus.Reply) verdict { return p.add(p.known(r)) }

// known makes an item of a reply that is known already.
func (p *Plan) known(r caucus.Reply) item {
	p.said = append(p.said, r)
	return item{kind: said, step: len(p.said) - 1}
}
