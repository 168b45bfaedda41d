package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// writer is a client that reads and writes registers, and adds words to a journal.
type writer struct {
	w    *World
	id   int
	name string
	user string // who it speaks as, "" for the default user
	conn *conn
	ops  []*operation // of the pipeline that is out, nil for none
	n    int
	life int // rises with every pipeline and connection
}

// operation is one command of a writer.
type operation struct {
	client int
	kind   opKind
	key    string
	value  string // written
	seen   string // read
	call   int64
	end    int64 // forever while the outcome is not known
	done   outcome
}

type opKind uint8

const (
	opGet opKind = iota
	opSet
	opAdd   // a word to the journal
	opMove  // money from one account to another
	opTotal // of all money
	opRead  // the journal
)

type outcome uint8

const (
	unknown outcome = iota // it may have been applied
	applied
	refused // certainly not applied
)

const (
	forever = 1 << 62
	journal = "journal"
)

func newWriter(w *World, id int) *writer {
	wr := &writer{w: w, id: id, name: fmt.Sprintf("w%d", id)}
	w.after(w.between(0, 300*millisecond), wr.next)
	return wr
}

func (wr *writer) vouches() bool { return false }

// next sends a pipeline, unless the world has become calm.
func (wr *writer) next() {
	w := wr.w
	if w.calm || wr.ops != nil {
		return
	}
	if wr.conn == nil {
		if wr.conn = w.dial(pick(w, w.nodes), wr); wr.conn == nil {
			w.after(w.between(5*millisecond, 100*millisecond), wr.next)
			return
		}
		wr.conn.talk.As(wr.user)
	}
	cmds := wr.draw()
	wr.conn.ask(cmds...)
	wr.life++
	life := wr.life
	w.after(3*patience, func() {
		if wr.life == life && wr.ops != nil {
			wr.conn.close()
			wr.lost(wr.conn)
		}
	})
}

// draw makes a pipeline. Every value is written once in a seed, so that it is known who wrote what is read.
func (wr *writer) draw() (cmds []caucus.Command) {
	w := wr.w
	key := "k" + strconv.Itoa(w.rng.IntN(w.plan.keys))
	shape := [][]opKind{{opGet}, {opSet}, {opSet}, {opAdd}, {opGet, opSet, opGet}, {opAdd, opSet},
		{opGet, opGet}, {opMove}, {opMove, opTotal}, {opTotal}}
	if wr.user != "" {
		shape = append(shape, []opKind{opRead}, []opKind{opAdd, opRead})
	}
	for _, kind := range pick(w, shape) {
		wr.n++
		op := &operation{client: wr.id, kind: kind, key: key, call: w.now, end: forever}
		op.value = fmt.Sprintf("%s-%d", wr.name, wr.n)
		switch kind {
		case opGet:
			cmds = append(cmds, caucus.Command{"GET", key})
		case opSet:
			cmds = append(cmds, caucus.Command{"SET", key, op.value})
		case opAdd:
			op.key = journal
			cmds = append(cmds, caucus.Command{"APPEND", journal, op.value + ";"})
		case opRead:
			op.key = journal
			cmds = append(cmds, caucus.Command{"GET", journal})
		case opMove:
			op.key = ledger
			cmds = append(cmds, op.drawMove(w))
		case opTotal:
			op.key = ledger
			cmds = append(cmds, caucus.Command{"bank.total"})
		}
		wr.ops = append(wr.ops, op)
	}
	w.checks.history = append(w.checks.history, wr.ops...)
	return cmds
}

func (wr *writer) answered(c *conn, r *request) {
	if c != wr.conn || wr.ops == nil {
		return
	}
	for i, op := range wr.ops {
		wr.conclude(op, r.replies[i])
	}
	wr.checkOrder()
	wr.note(r)
	wr.ops = nil
	wr.w.after(wr.w.between(0, wr.w.plan.think), wr.next)
}

func (wr *writer) note(r *request) {
	nums := []uint64{uint64(wr.n)}
	for _, op := range wr.ops {
		nums = append(nums, uint64(op.done))
	}
	wr.w.note(wr.name, "answered "+r.cmds[0][0], nums...)
}

func (wr *writer) conclude(op *operation, r caucus.Reply) {
	if r.Kind != caucus.KindError {
		op.done, op.end, op.seen = applied, wr.w.now, r.Text()
		if op.kind == opTotal && r.Int != accounts*credit {
			wr.w.fail("%s: there is money for %d, and there was for %d", wr.name, r.Int, accounts*credit)
		}
		if op.kind == opRead {
			wr.mayRead(op.seen)
		}
		return
	}
	switch word := caucus.ParseError(r.Str).Word; {
	case word == caucus.ErrTryAgain.Word, word == caucus.ErrNoSpace.Word,
		word == caucus.ErrNoPerm.Word && wr.user != "":
		op.done = refused
	case word == caucus.ErrUncertain.Word:
	case op.kind == opMove && (word == caucus.ErrConflict.Word || strings.Contains(r.Str, "panicked")):
		op.done = refused
	default:
		wr.w.fail("%s: %s %s was answered %q", wr.name, op.key, op.value, r.Str)
	}
	wr.w.checks.count(strings.ToLower(caucus.ParseError(r.Str).Word))
}

// checkOrder sees that reads between the writes of a pipeline are answered at their places (SAFETY A10).
func (wr *writer) checkOrder() {
	if len(wr.ops) != 3 || wr.ops[1].done != applied || wr.ops[2].done != applied {
		return
	}
	if wr.ops[2].seen != wr.ops[1].value || wr.ops[0].seen == wr.ops[1].value {
		wr.w.fail("%s: GET, SET %s, GET in one pipeline gave %q and %q", wr.name, wr.ops[1].value,
			wr.ops[0].seen, wr.ops[2].seen)
	}
}

// lost gives up what was under way; its outcome is not known.
func (wr *writer) lost(c *conn) {
	if c != wr.conn {
		return
	}
	wr.conn, wr.ops = nil, nil
	wr.life++
	wr.w.after(wr.w.between(millisecond, 50*millisecond), wr.next)
}

// idle says whether nothing of the writer is under way.
func (wr *writer) idle() bool { return wr.ops == nil }
