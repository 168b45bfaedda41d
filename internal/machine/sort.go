package machine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// sorting is what SORT and SORT_RO were asked for.
type sorting struct {
	by           string // pattern of the weights' keys, "" for the elements themselves
	as           bool   // as they are: BY a pattern without a star
	start, count int64  // of what is answered; count below 0: all
	gets         []string
	desc, alpha  bool
	store        string
	stores       bool
}

func parseSorting(args []string, mayStore bool) (o sorting, err *caucus.Error) {
	o.count = -1
	for i := 0; i < len(args); i++ {
		left := len(args) - i - 1
		switch option := strings.ToUpper(args[i]); {
		case option == "ASC":
			o.desc = false
		case option == "DESC":
			o.desc = true
		case option == "ALPHA":
			o.alpha = true
		case option == "LIMIT" && left >= 2:
			if o.start, err = integer(args[i+1]); err == nil {
				o.count, err = integer(args[i+2])
			}
			if err != nil {
				return o, err
			}
			i += 2
		case option == "STORE" && mayStore && left >= 1:
			i++
			o.store, o.stores = args[i], true
		case option == "BY" && left >= 1:
			i++
			o.by, o.as = args[i], !strings.Contains(args[i], "*")
		case option == "GET" && left >= 1:
			i++
			o.gets = append(o.gets, args[i])
		default:
			return o, syntaxError()
		}
	}
	return o, nil
}

// sortRead carries out SORT_RO.
func sortRead(q *query) caucus.Reply {
	o, err := parseSorting(q.args[2:], false)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	values, err := q.sorted(&o)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Array(values...)
}

// sortCommand carries out SORT.
func sortCommand(c *call) caucus.Reply {
	o, err := parseSorting(c.args[2:], true)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	values, err := c.sorted(&o)
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case !o.stores:
		return caucus.Array(values...)
	case len(values) == 0:
		c.m.remove(wordDel, o.store)
		return caucus.Int(0)
	}
	b := c.s.making(kindList, o.store)
	for _, v := range values {
		b.add(element{value: v.Str}) // of what is not there, nothing
		if err := b.refused(); err != nil {
			return caucus.ErrorReply(err)
		}
	}
	c.m.put(wordSortStore, o.store, c.m.keys.adopt(c.m.counter+1, b.body), 0)
	return caucus.Int(int64(len(values)))
}

// weighed is an element and what it is sorted by.
type weighed struct {
	name   string
	weight float64
	text   string // by ALPHA
	found  bool   // there is a weight
}

// sorted gives what is answered, in order.
func (q *query) sorted(o *sorting) ([]caucus.Reply, *caucus.Error) {
	names, err := q.sortable(q.args[1], o)
	if err != nil {
		return nil, err
	}
	if !o.as {
		if err := q.labour(len(names), o.weights()...); err != nil {
			return nil, err
		}
		if names, err = q.inOrder(names, o); err != nil {
			return nil, err
		}
	}
	names = o.limited(names)
	if err := q.labour(len(names), o.gets...); err != nil {
		return nil, err
	}
	if err := q.makes(len(names)*max(1, len(o.gets)), o); err != nil {
		return nil, err
	}
	replies := []caucus.Reply{}
	for _, name := range names {
		if len(o.gets) == 0 {
			replies = append(replies, caucus.Bulk(name))
		}
		for _, pattern := range o.gets {
			if text, ok := q.lookUp(pattern, name); ok {
				replies = append(replies, caucus.Bulk(text))
			} else {
				replies = append(replies, caucus.Nil())
			}
		}
	}
	return replies, nil
}

// labour refuses to make keys of so many elements by each of the patterns when that is out of proportion to
// what there is to be sorted, and counts it.
func (q *query) labour(elements int, patterns ...string) *caucus.Error {
	effort := int64(elements) * stepEffort
	for _, p := range patterns {
		each := int64(stepEffort + len(p))
		if each > mostEffort/int64(max(1, elements)) {
			effort = mostEffort + 1
			break
		}
		effort += int64(elements) * each
	}
	if len(patterns) > 0 && effort > mostEffort {
		return caucus.Errorf(caucus.ErrBad, "%d elements by %d patterns are too much for one SORT; ask for "+
			"less by LIMIT, or for fewer patterns", elements, len(patterns))
	}
	q.work.spent += effort
	return nil
}

// weights gives the pattern of the weights' keys, if there is one.
func (o *sorting) weights() []string {
	if o.by == "" {
		return nil
	}
	return []string{o.by}
}

// makes refuses more elements than an answer, or a list, may have.
func (q *query) makes(n int, o *sorting) *caucus.Error {
	if o.stores {
		return q.s.affords(int64(n) * elementBytes)
	}
	return q.room(n)
}

// sortable gives the elements of a key in its own order. What comes in any order in Redis comes by bytes.
func (q *query) sortable(key string, o *sorting) (names []string, err *caucus.Error) {
	it, ok := q.item(key)
	switch {
	case !ok:
		return nil, nil
	case it.kind == kindText || it.kind == kindHash:
		return nil, wrongType()
	}
	take := func(e element) bool {
		names = append(names, e.name+e.value) // one of them is empty
		return true
	}
	switch of := q.s.keys.bodyOf(it.value).elements.(type) {
	case *ranking:
		of.walk(0, false, take)
	default:
		of.each(take)
	}
	if it.kind == kindSet {
		slices.Sort(names)
	} else if o.as && o.desc {
		slices.Reverse(names)
	}
	return names, nil
}

// inOrder sorts elements by their weights. Those of one weight stand by their bytes.
func (q *query) inOrder(names []string, o *sorting) ([]string, *caucus.Error) {
	all := make([]weighed, len(names))
	for i, name := range names {
		w := weighed{name: name, text: name, found: true}
		if o.by != "" {
			w.text, w.found = q.lookUp(o.by, name)
		}
		if !o.alpha && w.found {
			var ok bool
			if w.weight, ok = weight(w.text); !ok {
				return nil, caucus.Errorf(caucus.ErrBad, "One or more scores can't be converted into double")
			}
		}
		all[i] = w
	}
	slices.SortStableFunc(all, func(a, b weighed) int {
		if o.desc {
			a, b = b, a
		}
		return o.compare(&a, &b)
	})
	for i := range all {
		names[i] = all[i].name
	}
	return names, nil
}

func (o *sorting) compare(a, b *weighed) int {
	switch {
	case !o.alpha:
		return cmp.Or(cmp.Compare(a.weight, b.weight), cmp.Compare(a.name, b.name))
	case a.found != b.found && b.found:
		return -1
	case a.found != b.found:
		return 1
	}
	return cmp.Compare(a.text, b.text)
}

// limited gives the part that LIMIT leaves.
func (o *sorting) limited(names []string) []string {
	n := int64(len(names))
	start := min(max(o.start, 0), n)
	end := n
	if o.count >= 0 {
		end = min(o.count, n-start) + start
	}
	return names[start:end]
}

// lookUp gives what stands under the key that a pattern makes of an element: a string or, behind ->, the
// field of a hash. # is the element itself.
func (q *query) lookUp(pattern, name string) (string, bool) {
	if pattern == "#" {
		return name, true
	}
	before, after, ok := strings.Cut(pattern, "*")
	if !ok {
		return "", false
	}
	after, field, ofHash := strings.Cut(after, "->")
	if ofHash && field == "" {
		after, ofHash = after+"->", false
	}
	key := before + name + after
	if ofHash {
		t, err := q.table(key, kindHash)
		if err != nil {
			return "", false
		}
		return t.get(field)
	}
	it, ok, err := q.text(key)
	return it.text, ok && err == nil
}
