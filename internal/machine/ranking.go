package machine

import (
	"encoding/binary"
	"math"
	"sort"

	"github.com/tidwall/btree"
)

// ranking is the members of a sorted set: in a table by their names, each with its score as the value, and in
// the order of their scores, those of one score by their bytes.
type ranking struct {
	table
	order btree.Map[string, struct{}] // place and member
}

// scorePlace gives the eight bytes by which scores stand in their order. There is one zero.
func scorePlace(score float64) string {
	var room [8]byte
	binary.BigEndian.PutUint64(room[:], placeBits(score))
	return string(room[:])
}

func placeBits(score float64) uint64 {
	bits := math.Float64bits(score + 0) // a negative zero becomes the other one
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

// behind gives the first place that is behind that of a score.
func behind(score float64) string {
	var room [8]byte
	binary.BigEndian.PutUint64(room[:], placeBits(score)+1)
	return string(room[:])
}

// scoreText keeps a score as the value of a table.
func scoreText(score float64) string {
	var room [8]byte
	binary.BigEndian.PutUint64(room[:], math.Float64bits(score))
	return string(room[:])
}

func scoreOf(text string) float64 {
	return math.Float64frombits(binary.BigEndian.Uint64([]byte(text)))
}

// score gives the score of a member.
func (r *ranking) score(member string) (score float64, ok bool) {
	text, ok := r.get(member)
	if !ok {
		return 0, false
	}
	return scoreOf(text), true
}

// put gives a member a score, and says whether the member is new.
func (r *ranking) put(member string, score float64) (added bool) {
	if before, ok := r.score(member); ok {
		r.order.Delete(scorePlace(before) + member)
	}
	r.order.Set(scorePlace(score)+member, struct{}{})
	return r.table.set(member, scoreText(score))
}

// drop takes a member out, and says whether it was there.
func (r *ranking) drop(member string) bool {
	score, ok := r.score(member)
	if ok {
		r.order.Delete(scorePlace(score) + member)
		r.table.drop(member)
	}
	return ok
}

// placed gives the member that stands at a place.
func (r *ranking) placed(key string) (member string, score float64) {
	member = key[8:]
	score, _ = r.score(member)
	return member, score
}

// before says how many stand before a place.
func (r *ranking) before(key string) int {
	return sort.Search(r.count, func(i int) bool {
		at, _, _ := r.order.GetAt(i)
		return at >= key
	})
}

// rank gives the rank of a member, the lowest being 0.
func (r *ranking) rank(member string) (rank int, ok bool) {
	score, ok := r.score(member)
	if !ok {
		return 0, false
	}
	return r.before(scorePlace(score) + member), true
}

// walk visits members from a rank on, upwards or downwards, until do says no.
func (r *ranking) walk(rank int, down bool, do func(e element) bool) {
	if rank < 0 || rank >= r.count {
		return
	}
	from, _, _ := r.order.GetAt(rank)
	visit := func(key string, _ struct{}) bool {
		member, score := r.placed(key)
		return do(element{name: member, score: score})
	}
	if down {
		r.order.Descend(from, visit)
	} else {
		r.order.Ascend(from, visit)
	}
}

func (r *ranking) share() elements {
	return &ranking{table: *r.table.share().(*table), order: share(&r.order)}
}

// weight counts each member with two places, in either of which it stands with its score.
func (r *ranking) weight() int64 { return 2 * r.table.weight() }

func (r *ranking) each(do func(element) bool) {
	r.table.each(func(e element) bool { return do(element{name: e.name, score: scoreOf(e.value)}) })
}

func (r *ranking) add(e element) bool { return r.put(e.name, e.score) }
