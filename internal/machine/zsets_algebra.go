package machine

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// zsetAlgebra names who carries out the commands about several sorted sets.
func (m *Machine) zsetAlgebra() {
	for _, of := range []zoperation{
		{"zunion", zunion, wordZUnionStore}, {"zinter", zinter, wordZInterStore}, {"zdiff", zdiff, wordZDiffStore},
	} {
		m.reads[of.name], m.writes[of.name+"store"] = of.read, of.store
	}
	m.reads["zintercard"] = zinterCard
}

// zoperation makes one sorted set of several.
type zoperation struct {
	name string // of the command that answers it
	make func(c *combining) map[string]float64
	word word // of the command that keeps it
}

// combining is several sorted sets, or sets, and how their scores come together.
type combining struct {
	sources   []source
	aggregate func(a, b float64) float64
	scores    bool // they are asked for
	limit     int64
	most      int // members from which on what is made would be too large
}

// source is a sorted set or a set, whose members all have the score 1, with its weight.
type source struct {
	body   *body // nil when there is no such key
	weight float64
}

func (s *source) len() int {
	if s.body == nil {
		return 0
	}
	return s.body.len()
}

// score gives the score of a member, as it is.
func (s *source) score(member string) (float64, bool) {
	if s.body == nil {
		return 0, false
	}
	if r, ok := s.body.elements.(*ranking); ok {
		return r.score(member)
	}
	return 1, s.body.table().has(member)
}

// each visits the members with their scores.
func (s *source) each(do func(member string, score float64) bool) {
	if s.body == nil {
		return
	}
	s.body.each(func(e element) bool {
		if s.body.is == kindSet {
			e.score = 1
		}
		return do(e.name, e.score)
	})
}

// weighed gives a score times the weight. The product is rounded by itself, and not only with what is added
// to it (SAFETY B9).
func (s *source) weighed(score float64) float64 { return float64(score * s.weight) }

func sum(a, b float64) float64 {
	if s := a + b; !math.IsNaN(s) {
		return s
	}
	return 0
}

func least(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func most(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

// begin gives what a member has from the first set that it is in.
func begin(score float64) float64 {
	if math.IsNaN(score) {
		return 0
	}
	return score
}

func zunion(c *combining) map[string]float64 {
	all := map[string]float64{}
	for i := range c.sources {
		s := &c.sources[i]
		s.each(func(member string, score float64) bool {
			score = begin(s.weighed(score))
			if before, ok := all[member]; ok {
				score = c.aggregate(before, score)
			}
			all[member] = score
			return len(all) <= c.most
		})
	}
	return all
}

func zinter(c *combining) map[string]float64 {
	all := map[string]float64{}
	first, others := &c.sources[0], c.sources[1:]
	first.each(func(member string, score float64) bool {
		score = begin(first.weighed(score))
		for i := range others {
			value, ok := others[i].score(member)
			if !ok {
				return true
			}
			score = c.aggregate(score, others[i].weighed(value))
		}
		all[member] = score
		return len(all) <= c.most && (c.limit == 0 || int64(len(all)) < c.limit)
	})
	return all
}

// zdiff takes from the members of the first those of the others: by looking each up there, or the other way
// round, whichever is less.
func zdiff(c *combining) map[string]float64 {
	all := map[string]float64{}
	first, others := &c.sources[0], c.sources[1:]
	if first.len()*len(others) > c.total() {
		first.each(func(member string, score float64) bool { all[member] = score; return true })
		for i := range others {
			others[i].each(func(member string, _ float64) bool { delete(all, member); return len(all) > 0 })
		}
		return all
	}
	first.each(func(member string, score float64) bool {
		for i := range others {
			if _, ok := others[i].score(member); ok {
				return true
			}
		}
		all[member] = score
		return len(all) <= c.most
	})
	return all
}

// total counts the members of all sources.
func (c *combining) total() (n int) {
	for i := range c.sources {
		n += c.sources[i].len()
	}
	return n
}

// read answers what the operation makes of sets, in the order of the scores.
func (of zoperation) read(q *query) caucus.Reply {
	c, err := of.parse(q, q.args[1:], false)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	members := of.make(c)
	if err := q.room(len(members)); err != nil {
		return caucus.ErrorReply(err)
	}
	return ranked(inRank(members), c.scores)
}

// store gives what the operation makes of sets to a key.
func (of zoperation) store(c *call) caucus.Reply {
	sources, err := of.parse(&c.query, c.args[2:], true)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	sources.most = mostAdded / elementBytes
	return c.storeRanked(inRank(of.make(sources)), of.word)
}

// storeRanked gives the first key of a command members, as far as they are not too many.
func (c *call) storeRanked(members []element, w word) caucus.Reply {
	b := c.s.making(kindZset, c.args[1])
	for _, e := range members {
		if b.refused() != nil {
			break
		}
		b.putRanked(e.name, e.score)
	}
	return c.store(b, w)
}

// inRank gives members in the order of their scores, those of one score by their bytes.
func inRank(scores map[string]float64) []element {
	all := make([]element, 0, len(scores))
	for member, score := range scores {
		all = append(all, element{name: member, score: score})
	}
	slices.SortFunc(all, byScoreAndName)
	return all
}

// zinterCard carries out ZINTERCARD numkeys key [key ...] [LIMIT limit].
func zinterCard(q *query) caucus.Reply {
	of := zoperation{name: "zintercard"}
	c, err := of.parse(q, q.args[1:], false)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Int(int64(len(zinter(c))))
}

// parse reads numkeys, the keys, and options. Where scores come together, sets come by their sizes, as in
// Redis, because sums of floating-point numbers depend on the order.
func (of zoperation) parse(q *query, args []string, storing bool) (*combining, *caucus.Error) {
	n, err := integer(args[0])
	switch name := of.name; {
	case err != nil:
		return nil, err
	case n < 1:
		if storing {
			name += "store"
		}
		return nil, caucus.Errorf(caucus.ErrBad, "at least 1 input key is needed for '%s' command", name)
	case n > int64(len(args)-1):
		return nil, syntaxError()
	}
	c := &combining{sources: make([]source, n), aggregate: sum, most: int(q.s.replyLimit() / waist.ItemBytes)}
	for i, key := range args[1 : 1+n] {
		if c.sources[i], err = q.source(key); err != nil {
			return nil, err
		}
	}
	if err := of.options(c, args[1+n:], storing); err != nil {
		return nil, err
	}
	if of.name == "zdiff" {
		c.sources = append(c.sources[:1], named(c.sources[1:])...)
	} else {
		slices.SortStableFunc(c.sources, func(a, b source) int { return a.len() - b.len() })
	}
	return c, q.mayCombine(c, of.name)
}

// mostRepeated is how many members may be gone through beside those that there are, because the same sets are
// named more than once.
const mostRepeated = 1 << 20

// mayCombine refuses what would take much longer than there are members.
func (q *query) mayCombine(c *combining, name string) *caucus.Error {
	steps, there := c.total(), 0
	if name == "zinter" || name == "zintercard" {
		steps = c.sources[0].len() * len(c.sources)
	}
	for _, s := range named(c.sources) {
		there += s.len()
	}
	q.work.steps(steps)
	if steps-there > mostRepeated {
		return caucus.Errorf(caucus.ErrBad, "the same sets are named so often that %d members more than there are "+
			"would be gone through; %d are the most", steps-there, mostRepeated)
	}
	return nil
}

// named gives those of the sources that exist, each once.
func named(sources []source) (distinct []source) {
	seen := map[*body]bool{nil: true}
	for _, s := range sources {
		if !seen[s.body] {
			seen[s.body] = true
			distinct = append(distinct, s)
		}
	}
	return distinct
}

func (q *query) source(key string) (source, *caucus.Error) {
	it, ok := q.item(key)
	switch {
	case !ok:
		return source{weight: 1}, nil
	case it.kind != kindZset && it.kind != kindSet:
		return source{}, wrongType()
	}
	return source{q.s.keys.bodyOf(it.value), 1}, nil
}

func (of zoperation) options(c *combining, args []string, storing bool) (err *caucus.Error) {
	weighs := of.name == "zunion" || of.name == "zinter"
	counts := of.name == "zintercard"
	n := len(c.sources)
	for len(args) > 0 {
		switch option := strings.ToUpper(args[0]); {
		case option == "WEIGHTS" && weighs && len(args) > n:
			err = c.weigh(args[1 : 1+n])
			args = args[1+n:]
		case option == "AGGREGATE" && weighs && len(args) > 1:
			c.aggregate = aggregates[strings.ToUpper(args[1])]
			args = args[2:]
		case option == "WITHSCORES" && !storing && !counts:
			c.scores = true
			args = args[1:]
		case option == "LIMIT" && counts && len(args) > 1:
			c.limit, err = bounded(args[1], 0, "LIMIT can't be negative")
			args = args[2:]
		default:
			err = syntaxError()
		}
		if err != nil || c.aggregate == nil {
			return cmp.Or(err, syntaxError())
		}
	}
	return nil
}

// aggregates are the ways in which scores come together.
var aggregates = map[string]func(a, b float64) float64{"SUM": sum, "MIN": least, "MAX": most}

func (c *combining) weigh(weights []string) *caucus.Error {
	for i, text := range weights {
		weight, err := double(text)
		if err != nil {
			return caucus.Errorf(caucus.ErrBad, "weight value is not a float")
		}
		c.sources[i].weight = weight
	}
	return nil
}
