package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/caucus-project/caucus"
)

// porter is a client that puts elements into lists, a set and a sorted set, and takes them out, waiting for
// them if need be. Each
// element has a name of its own, so that it can be said what became of it (SAFETY B7).
type porter struct {
	w      *World
	name   string
	conn   *conn
	take   func(replies []caucus.Reply)
	unsure func() // what becomes of the question if it is never answered
	waits  bool   // the question may be long in being answered
	put    int    // elements so far
	life   int    // rises with every question, answer and connection
}

// shelves are the lists. What comes into the last is taken from another.
var shelves = []string{"q0", "q1", "q2"}

// The set and the sorted set. Their names are as long as those of the lists.
const (
	bag    = "b0"
	ladder = "z0"
)

// parcel is an element and what is known of it.
type parcel struct {
	put   string // "yes", "no", or "maybe"
	taken int
}

// goods are all elements of a world.
type goods struct {
	all  map[string]*parcel
	gone int // how many were taken at most by those who were not answered
}

func newPorter(w *World, i int) *porter {
	p := &porter{w: w, name: fmt.Sprintf("p%d", i)}
	w.after(w.between(0, 300*millisecond), p.next)
	return p
}

func (p *porter) vouches() bool { return false }

// next asks the next thing.
func (p *porter) next() {
	switch {
	case p.take != nil:
	case p.w.calm:
		if p.conn != nil {
			p.conn.close()
			p.conn = nil
		}
	case p.conn == nil:
		if p.conn = p.w.dial(pick(p.w, p.w.nodes), p); p.conn == nil {
			p.later(80 * millisecond)
			return
		}
		p.next()
	case p.w.chance(40):
		p.push()
	case p.w.chance(20):
		p.pop(2, pick(p.w, []caucus.Command{{"LPOP", p.shelf(), "2"}, {"SPOP", bag, "2"},
			{"ZPOPMAX", ladder, "2"}}))
	default:
		p.await()
	}
}

func (p *porter) shelf() string { return pick(p.w, shelves) }

// push puts up to three elements into a list, the set or the sorted set.
func (p *porter) push() {
	cmd := pick(p.w, []caucus.Command{{"LPUSH", shelves[0]}, {"RPUSH", shelves[1]}, {"RPUSH", shelves[0]},
		{"SADD", bag}, {"ZADD", ladder}})
	var parcels []*parcel
	for range p.w.number(1, 3) {
		p.put++
		name := fmt.Sprintf("%s-%d", p.name, p.put)
		parcels = append(parcels, &parcel{put: "maybe"})
		p.w.checks.goods.all[name] = parcels[len(parcels)-1]
		if cmd[1] == ladder {
			cmd = append(cmd, strconv.Itoa(p.w.number(0, 3)))
		}
		cmd = append(cmd, name)
	}
	become := func(put string) {
		for _, one := range parcels {
			one.put = put
		}
	}
	p.ask(func(replies []caucus.Reply) {
		r := replies[len(replies)-1]
		switch {
		case !p.failed(r):
			become("yes")
			p.w.checks.count("elements pushed")
		case caucus.ParseError(r.Str).Word != caucus.ErrUncertain.Word:
			become("no")
		}
	}, func() {}, cmd)
}

// await waits for an element: for a while, or for ever, which is until it loses heart.
func (p *porter) await() {
	timeout := "0"
	if p.w.chance(70) {
		timeout = "0." + strconv.Itoa(p.w.number(1, 5))
	}
	p.waits = true
	switch p.w.number(0, 5) {
	case 0:
		p.pop(1, caucus.Command{"BLPOP", p.shelf(), p.shelf(), timeout})
	case 1:
		p.pop(1, caucus.Command{"BRPOP", p.shelf(), timeout})
	case 2:
		p.pop(2, caucus.Command{"BLMPOP", timeout, "2", p.shelf(), p.shelf(), "LEFT", "COUNT", "2"})
	case 3:
		p.pop(0, caucus.Command{"BLMOVE", shelves[p.w.number(0, 1)], shelves[2], "LEFT", "RIGHT", timeout})
	case 4:
		p.pop(1, caucus.Command{"BZPOPMIN", ladder, timeout})
	case 5:
		p.pop(2, caucus.Command{"BZMPOP", timeout, "1", ladder, "MAX", "COUNT", "2"})
	}
}

// pop takes at most so many elements.
func (p *porter) pop(most int, cmd caucus.Command) {
	lost := func() { p.w.checks.goods.gone += most }
	p.ask(func(replies []caucus.Reply) {
		r := replies[0]
		switch {
		case p.failed(r):
			if caucus.ParseError(r.Str).Word == caucus.ErrUncertain.Word {
				lost()
			}
		case most > 0:
			p.got(r)
		case !r.IsNil():
			p.w.checks.count("elements moved")
		}
	}, lost, cmd)
}

// got takes the elements of an answer, whatever form it has.
func (p *porter) got(r caucus.Reply) {
	for _, item := range r.Items {
		p.got(item)
	}
	if r.Kind != caucus.KindBulk || len(r.Str) == len(shelves[0]) {
		return
	}
	one := p.w.checks.goods.all[r.Str]
	if one == nil || one.put == "no" {
		p.w.fail("%s was given %q, which was never pushed", p.name, r.Str)
		return
	}
	if one.taken++; one.taken > 1 {
		p.w.fail("SAFETY B7: %s was given %s, which had been given already", p.name, r.Str)
	}
	p.w.checks.count("elements popped")
	p.w.note(p.name, "got "+r.Str)
}

// failed says whether an answer is an error, which may only be one that nobody can help.
func (p *porter) failed(r caucus.Reply) bool {
	if r.Kind != caucus.KindError {
		return false
	}
	switch caucus.ParseError(r.Str).Word {
	case caucus.ErrTryAgain.Word, caucus.ErrUncertain.Word, caucus.ErrNoSpace.Word:
	default:
		p.w.fail("%s was answered %q", p.name, r.Str)
	}
	p.w.note(p.name, r.Str)
	return true
}

// ask sends a command. Unsure is called when nobody will ever answer it. Who waits loses heart after a while.
func (p *porter) ask(take func([]caucus.Reply), unsure func(), cmd caucus.Command) {
	p.take, p.unsure = take, unsure
	p.conn.ask(cmd)
	p.life++
	life := p.life
	heart := int64(3 * patience / 2)
	if p.waits {
		heart = p.w.between(heart/10, 3*heart)
		p.waits = false
	}
	p.w.after(heart, func() {
		if p.life == life {
			p.conn.close()
			p.lost(p.conn)
		}
	})
}

func (p *porter) answered(conn *conn, r *request) {
	if conn != p.conn || p.take == nil {
		return
	}
	take := p.take
	p.take = nil
	p.later(p.w.plan.think / 3)
	take(r.replies)
}

func (p *porter) lost(conn *conn) {
	if conn != p.conn {
		return
	}
	if p.take != nil {
		p.unsure()
	}
	p.conn, p.take = nil, nil
	p.later(50 * millisecond)
}

func (p *porter) later(most int64) {
	p.life++
	life := p.life
	p.w.after(p.w.between(millisecond, most), func() {
		if p.life == life {
			p.next()
		}
	})
}

// unrest says what a porter still has to do.
func (p *porter) unrest() string {
	if p.conn == nil && p.w.calm {
		return ""
	}
	return p.name + " has not gone home"
}

// compareGoods sees that every element that was pushed was taken once or is still there, but for those that
// went to somebody who was not answered.
func (w *World) compareGoods() {
	g := &w.checks.goods
	there := map[string]int{}
	look := []caucus.Command{{"SMEMBERS", bag}, {"ZRANGE", ladder, "0", "-1"}}
	for _, shelf := range shelves {
		look = append(look, caucus.Command{"LRANGE", shelf, "0", "-1"})
	}
	for _, cmd := range look {
		for _, item := range w.nodes[0].do(cmd...).Items {
			there[item.Str]++
		}
	}
	missing := 0
	for _, name := range slices.Sorted(maps.Keys(g.all)) {
		one := g.all[name]
		switch n := one.taken + there[name]; {
		case n > 1:
			w.fail("SAFETY B7: %s was taken %d times and is there %d times", name, one.taken, there[name])
		case n > 0 && one.put == "no":
			w.fail("%s was refused, and was taken %d times, and is there %d times", name, one.taken, there[name])
		case n == 0 && one.put == "yes":
			missing++
		}
		delete(there, name)
	}
	if missing > g.gone {
		w.fail("SAFETY B7: %d elements are lost, and %d at most went to somebody who was not answered", missing,
			g.gone)
	}
	for name := range there {
		w.fail("there is %q, which was never pushed", name)
	}
}
