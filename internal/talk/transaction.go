package talk

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
)

// Limits on what a connection may have waiting.
const (
	maxQueue   = 64 << 10 // commands of a transaction
	maxTxBytes = 64 << 20 // their bytes
	maxWatched = 64 << 10 // keys
)

// watchStep names the read that gives, for each key, its revision and whether it is there. No client can
// send it.
const watchStep = ".watch"

// transaction is what is queued between MULTI and EXEC.
type transaction struct {
	all     []queued         // in the client's order
	forward []caucus.Command // those among them that the state answers
	bytes   int
	writes  bool
	spoiled bool // EXEC will refuse
	probe   bool // the state gets a read only to learn whether the watched keys are as they were
	guarded bool // a GUARD is among them

	asksNode bool // the node answers one of them
}

// queued is one command of a transaction. What the state does not answer is answered at EXEC.
type queued struct {
	spec *command.Spec
	cmd  caucus.Command // nil: the state answers
}

// inside plans a command between MULTI and EXEC.
func (t *Talk) inside(p *Plan, s *command.Spec, cmd caucus.Command) verdict {
	switch s.Name {
	case "multi":
		return p.say(caucus.Fail(caucus.ErrBad, "MULTI calls can not be nested"))
	case "watch":
		return p.say(caucus.Fail(caucus.ErrBad, "WATCH inside MULTI is not allowed"))
	case "exec":
		return t.exec(p, 0)
	case "discard":
		if p.watching {
			return notNow
		}
		t.tx, t.watch = nil, nil
		return p.say(caucus.OK())
	case "reset":
		return t.reset(p)
	case "once":
		if strings.EqualFold(cmd[2], "exec") {
			return t.once(p, cmd)
		}
	}
	return t.queue(p, s, cmd)
}

func (t *Talk) queue(p *Plan, s *command.Spec, cmd caucus.Command) verdict {
	tx := t.tx
	tx.bytes += sizeOf(cmd)
	join := s.Name == "group|join"
	if s.Name == "guard" {
		if _, err := command.ReadGuard(cmd); err != nil {
			return t.refuse(p, err)
		}
		tx.guarded = true
	}
	switch {
	case s.Has(command.NoMulti) || s.Home == command.Door || strings.HasPrefix(s.Name, "session|"):
		return t.refuse(p, caucus.Errorf(caucus.ErrBad, "Command not allowed inside a transaction"))
	case (join || s.Name == "lock|acquire") && !t.carries():
		return t.refuse(p, noSession())
	case len(tx.all) >= maxQueue || tx.bytes > maxTxBytes:
		return t.refuse(p, caucus.Errorf(caucus.ErrBad,
			"transaction too large: at most %d commands and %d bytes are taken", maxQueue, maxTxBytes))
	case tx.spoiled: // it will not be carried out; keep nothing of it
	case s.Home != command.Machine || s.Helps():
		tx.asksNode = tx.asksNode || s.Home == command.Node
		tx.all = append(tx.all, queued{s, cmd})
	default:
		if join || s.Name == "group|create" {
			cmd = t.settle(cmd)
		} else if s.Name == "group|send" {
			cmd = t.dated(cmd)
		}
		tx.all = append(tx.all, queued{s, nil})
		tx.forward = append(tx.forward, cmd)
		tx.writes = tx.writes || s.Writes()
	}
	return p.say(caucus.Status("QUEUED"))
}

// abort answers an EXEC that is wrong in itself, which ends the transaction as one that is right does.
func (t *Talk) abort(p *Plan, err *caucus.Error) verdict {
	if p.watching {
		return notNow
	}
	t.tx, t.watch = nil, nil
	return p.say(caucus.Fail(caucus.ErrExecAbort, "Transaction discarded because of: %s", err.Message))
}

// exec plans EXEC. Whatever comes of it, the transaction is over.
func (t *Talk) exec(p *Plan, once uint64) verdict {
	tx := t.tx
	if p.watching || len(p.items) > 0 && p.bytes+tx.bytes > maxBytes {
		return notNow
	}
	watch := t.watch
	t.tx, t.watch = nil, nil
	p.asksNode = p.asksNode || tx.asksNode
	switch {
	case tx.spoiled:
		return p.say(caucus.Fail(caucus.ErrExecAbort, "Transaction discarded because of previous errors."))
	case once != 0 && !tx.writes:
		return p.say(onceReads())
	}
	if len(tx.forward) == 0 {
		if len(watch) == 0 {
			return p.add(item{kind: executed, extra: &extra{tx: tx, noOp: true}})
		}
		tx.probe = true
		tx.forward = []caucus.Command{{watchStep}}
	}
	op := t.firmStep(p, tx.writes, caucus.Command{"EXEC"})
	op.Queue, op.Watch, op.Once = tx.forward, watch, once
	p.guarded = p.guarded || tx.guarded
	p.bytes += tx.bytes
	return p.last(executed, &extra{tx: tx})
}

// merge puts the replies of the state and those of the others in the order in which they were queued.
func (t *Talk) merge(tx *transaction, r caucus.Reply) caucus.Reply {
	if r.Kind != caucus.KindArray || len(r.Items) == len(tx.all) && !tx.probe {
		return r
	}
	all := make([]caucus.Reply, len(tx.all))
	rest := r.Items
	for i, q := range tx.all {
		switch {
		case q.cmd == nil && len(rest) > 0:
			all[i], rest = rest[0], rest[1:]
		case q.cmd == nil: // a stored reply of ONCE from another transaction
			return caucus.Array(r.Items...)
		case q.spec.Home == command.Node:
			all[i] = t.node(q.cmd)
		default:
			all[i] = t.answer(q.spec, q.cmd)
		}
	}
	return caucus.Array(all...)
}

// watchKeys plans WATCH, a read of the keys' revisions (SAFETY B8).
func (t *Talk) watchKeys(p *Plan, cmd caucus.Command) verdict {
	if len(t.watch)+len(cmd)-1 > maxWatched {
		return p.say(caucus.Fail(caucus.ErrBad, "too many watched keys: at most %d are taken", maxWatched))
	}
	args := append(caucus.Command{watchStep}, cmd[1:]...)
	t.firmStep(p, false, args)
	p.watching = true
	return p.last(watched, nil)
}

// noteWatch takes over the revisions of the keys that a WATCH step read.
func (t *Talk) noteWatch(keys []string, r caucus.Reply) caucus.Reply {
	if r.Kind == caucus.KindError {
		return r
	}
	if len(r.Items) != 2*len(keys) {
		return caucus.Fail(caucus.ErrTryAgain, "the keys could not be watched")
	}
	for i, key := range keys {
		t.watch = append(t.watch, entry.Watch{Key: strings.Clone(key), Revision: uint64(r.Items[2*i].Int),
			Present: r.Items[2*i+1].Int != 0})
	}
	return caucus.OK()
}

// once plans ONCE n command (SAFETY A15).
func (t *Talk) once(p *Plan, cmd caucus.Command) verdict {
	inner := cmd[2:]
	s, err := t.cfg.Table.Lookup(inner)
	if err == nil {
		err = t.may(s, inner)
	}
	if err != nil {
		return t.refuse(p, err)
	}
	exec := s.Name == "exec"
	if exec && t.tx == nil {
		return p.say(caucus.Fail(caucus.ErrBad, "EXEC without MULTI"))
	}
	n, fail := t.number(cmd[1])
	switch {
	case fail != nil && exec:
		if p.watching {
			return notNow
		}
		t.tx, t.watch = nil, nil // it is over, as after every other failure of EXEC
		return p.say(caucus.ErrorReply(fail))
	case fail != nil:
		return p.say(caucus.ErrorReply(fail))
	case exec:
		return t.exec(p, n)
	case s.Home != command.Machine || !s.Writes() || strings.HasPrefix(s.Name, "session|"):
		return p.say(onceReads())
	case s.Name == "group|join":
		return t.enter(p, t.settle(inner), n)
	case s.Name == "lock|acquire":
		return t.enter(p, inner, n)
	case s.Name == "group|create":
		inner = t.settle(inner)
	case s.Name == "group|send":
		inner = t.dated(inner)
	}
	t.firmStep(p, true, inner).Once = n
	return p.last(plain, nil)
}

// number reads the number of a ONCE, which only a session can give a meaning.
func (t *Talk) number(text string) (uint64, *caucus.Error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		return 0, caucus.Errorf(caucus.ErrBad, "ONCE takes a number above 0, not '%.40s'", text)
	}
	if !t.carries() {
		return 0, noSession()
	}
	return n, nil
}

func onceReads() caucus.Reply {
	return caucus.Fail(caucus.ErrBad, "ONCE takes a command that changes the state, or the EXEC of a "+
		"transaction that does; others can be repeated freely")
}
