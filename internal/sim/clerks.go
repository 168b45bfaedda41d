package sim

import (
	"fmt"
	"strconv"

	"github.com/caucus-project/caucus"
)

// clerk is a client that numbers its writes within a session, and sends a write whose outcome it does not
// know again, on whatever node, until it is answered. So each is applied exactly once (SAFETY A15).
type clerk struct {
	w        *World
	name     string
	conn     *conn
	session  string // "" while it has none
	attached bool   // the connection carries it
	number   uint64 // of the last task in this session
	written  int    // tasks, in all sessions
	task     *task  // in hand, nil for none
	last     *task  // the one before, of the same session, nil for none
	take     func(replies []caucus.Reply)
	life     int // rises with every question, answer and connection
	done     bool
}

// task is a write under a number.
type task struct {
	number uint64
	word   string // that stands once in the tally, "" for none
	counts bool   // it adds one to the count
	tries  int
	sent   int64 // true time
	end    int64 // true time of the answer, 0 while there is none
	reply  string
	count  int64 // that its addition made, 0 while that is not known
}

// What clerks write: a count, and a tally of words.
const (
	theCount = "count"
	theTally = "tally"
)

func newClerk(w *World, i int) *clerk {
	c := &clerk{w: w, name: fmt.Sprintf("c%d", i)}
	w.after(w.between(0, 300*millisecond), c.next)
	return c
}

func (c *clerk) vouches() bool { return false }

// next does what is to be done now.
func (c *clerk) next() {
	switch {
	case c.take != nil || c.done:
	case c.conn == nil:
		if c.conn = c.w.dial(pick(c.w, c.w.nodes), c); c.conn == nil {
			c.later(80 * millisecond)
			return
		}
		c.next()
	case c.session == "" && c.w.calm && c.task == nil:
		c.done = true
		c.conn.close()
	case c.session == "":
		c.ask(c.opened, caucus.Command{"SESSION", "OPEN", "TTL", "3000", "GRACE", "3000"})
	case !c.attached:
		c.ask(c.resumed, caucus.Command{"SESSION", "RESUME", c.session})
	case c.task == nil && c.w.calm:
		c.ask(c.closed, caucus.Command{"SESSION", "CLOSE"})
	default:
		if c.task == nil {
			c.draw()
		}
		c.write(c.task, c.wrote)
		c.loseHeart()
	}
}

// loseHeart hangs up now and then, while what was sent is on its way, to send it again by another node.
func (c *clerk) loseHeart() {
	life := c.life
	if !c.w.calm && c.w.chance(8) {
		c.w.after(c.w.between(0, 5*millisecond), func() {
			if c.life == life {
				c.hangUp()
			}
		})
	}
}

func (c *clerk) hangUp() {
	c.conn.close()
	c.lost(c.conn)
}

// later looks again after a while.
func (c *clerk) later(most int64) {
	c.life++
	life := c.life
	c.w.after(c.w.between(millisecond, most), func() {
		if c.life == life {
			c.next()
		}
	})
}

// ask sends a pipeline. What is not answered in time is asked on another connection.
func (c *clerk) ask(take func([]caucus.Reply), cmds ...caucus.Command) {
	c.take = take
	c.conn.ask(cmds...)
	c.life++
	life := c.life
	c.w.after(3*patience/2, func() {
		if c.life == life {
			c.hangUp()
		}
	})
}

func (c *clerk) answered(conn *conn, r *request) {
	if conn != c.conn || c.take == nil {
		return
	}
	take := c.take
	c.take = nil
	c.later(c.w.plan.think / 3)
	take(r.replies)
}

func (c *clerk) lost(conn *conn) {
	if conn == c.conn {
		c.conn, c.take, c.attached = nil, nil, false
		c.later(50 * millisecond)
	}
}

// failed says whether an answer is an error. All that a clerk may be told is no reason to give up.
func (c *clerk) failed(r caucus.Reply) bool {
	if r.Kind != caucus.KindError {
		return false
	}
	switch caucus.ParseError(r.Str).Word {
	case caucus.ErrTryAgain.Word, caucus.ErrUncertain.Word, caucus.ErrNoSpace.Word:
	case caucus.ErrNoSession.Word:
		c.attached = false // a RESUME will tell
	default:
		c.w.fail("%s was answered %q", c.name, r.Str)
	}
	c.w.note(c.name, r.Str)
	return true
}

func (c *clerk) opened(replies []caucus.Reply) {
	if !c.failed(replies[0]) {
		c.session, c.attached, c.number, c.last = replies[0].Str, true, 0, nil
	}
}

// resumed takes the answer to a RESUME. With the session end its numbers: what became of a write that was
// sent is not known, and nobody can ask.
func (c *clerk) resumed(replies []caucus.Reply) {
	switch {
	case !c.failed(replies[0]):
		c.attached = true
	case caucus.ParseError(replies[0].Str).Word == caucus.ErrNoSession.Word:
		c.session, c.task, c.last = "", nil, nil
		c.w.checks.count("clerks' sessions lost")
	}
}

func (c *clerk) closed(replies []caucus.Reply) {
	if !c.failed(replies[0]) {
		c.session = ""
	}
}

// draw makes the next task.
func (c *clerk) draw() {
	c.number++
	c.task = &task{number: c.number, counts: c.w.chance(70)}
	if !c.task.counts || c.w.chance(50) {
		c.written++
		c.task.word = fmt.Sprintf("%s-%d", c.name, c.written)
	}
	c.w.checks.tasks = append(c.w.checks.tasks, c.task)
}

// write sends a task: one command, or two in a transaction.
func (c *clerk) write(t *task, take func(caucus.Reply)) {
	if t.tries++; t.tries == 1 {
		t.sent = c.w.now
	}
	count, add := caucus.Command{"INCR", theCount}, caucus.Command{"APPEND", theTally, t.word + ";"}
	once := caucus.Command{"ONCE", strconv.FormatUint(t.number, 10)}
	last := func(replies []caucus.Reply) { take(replies[len(replies)-1]) }
	switch {
	case t.counts && t.word != "":
		c.ask(last, caucus.Command{"MULTI"}, count, add, append(once, "EXEC"))
	case t.counts:
		c.ask(last, append(once, count...))
	default:
		c.ask(last, append(once, add...))
	}
}

// wrote takes the answer to the task in hand. Now and then what was answered is sent once more.
func (c *clerk) wrote(r caucus.Reply) {
	if c.failed(r) {
		return
	}
	t := c.task
	t.end, t.reply = c.w.now, fmt.Sprint(r)
	if t.counts && t.word != "" {
		r = r.Items[0]
	}
	if t.counts {
		t.count = r.Int
	}
	if t.tries > 1 {
		c.w.checks.count("writes sent again")
	}
	c.w.checks.count("numbered writes")
	c.w.note(c.name, "wrote", t.number, uint64(t.tries))
	c.last, c.task = t, nil
	if c.w.chance(10) {
		c.write(t, func(r caucus.Reply) { c.repeated(t, r) })
	}
}

// repeated sees that a number that was answered is answered the same.
func (c *clerk) repeated(t *task, r caucus.Reply) {
	if c.failed(r) {
		return
	}
	c.w.checks.count("writes answered again")
	if again := fmt.Sprint(r); again != t.reply {
		c.w.fail("SAFETY A15: %s had number %d answered with %s, and again with %s", c.name, t.number, t.reply,
			again)
	}
}

// unrest says what a clerk still has to do.
func (c *clerk) unrest() string {
	if c.done {
		return ""
	}
	return c.name + " has not closed its books"
}
