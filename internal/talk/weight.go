package talk

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// What the state answers shares its memory, but for the items. What the conversation and the node answer
// (COMMAND, INFO) is made for each that asks, and is counted with its text.

const (
	nodeAnswer  = maxBytes / 16 // what an answer of the node is taken to have while a plan is made
	mostAnswers = 512 << 20     // bytes of the answers in a transaction that the state does not give
	shortAnswer = 1 << 10       // what is no longer than that is given in any case
)

// Weight gives the bytes of memory that the replies to a plan are counted with.
func (p *Plan) Weight(replies []caucus.Reply) (n int64) {
	const most = 1 << 40
	for i := range replies {
		items, text := waist.Weigh(&replies[i], most)
		n += (1 + items) * waist.ItemBytes
		if i < len(p.items) && (p.items[i].kind == said || p.items[i].kind == ofNode) {
			n += text
		}
	}
	return n
}

// fill notes that there is another answer before the plan is carried out.
func (p *Plan) fill(n int64) { p.answers += n }

// full says that there are as many of them as a plan should have.
func (p *Plan) full() bool { return p.answers > maxBytes }

// asNode notes that the node will answer a command.
func (p *Plan) asNode(cmd caucus.Command, name string) verdict {
	p.asksNode = true
	p.fill(nodeAnswer)
	if name == "getdump" {
		p.fill(maxBytes)
	}
	return p.add(item{kind: ofNode, extra: &extra{cmd: cmd}})
}

// allowance is what the answers in a transaction that the state does not give may still take.
type allowance int64

// take gives an answer, unless it is more than that.
func (a *allowance) take(r caucus.Reply) caucus.Reply {
	w := waist.Weight(&r, mostAnswers)
	if w > shortAnswer && w > int64(*a) {
		return caucus.Fail(caucus.ErrBad, "the replies in this transaction would be larger than %d bytes; ask for "+
			"less at a time", int64(mostAnswers))
	}
	*a -= allowance(w)
	return r
}
