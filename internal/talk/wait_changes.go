package talk

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/glob"
)

// ChangesChannel is where a node tells those who wait for changes of keys, by News. It is for no client.
const ChangesChannel = "changes"

// News is what a node tells of the changes of keys after one revision, up to another.
type News struct {
	After, UpTo uint64
	Vague       bool // they concern all keys, or too many to name them, or they are not known
	keys        []byte
}

// maxNews is how many bytes of keys are named.
const maxNews = 64 << 10

// Add adds a key that has changed. It says no when there are too many to name them.
func (n *News) Add(key string) bool {
	if n.Vague = n.Vague || len(n.keys)+len(key) > maxNews; n.Vague {
		n.keys = nil
	} else {
		n.keys = fields.String(n.keys, key)
	}
	return !n.Vague
}

// None says whether there is nothing to tell.
func (n *News) None() bool { return !n.Vague && len(n.keys) == 0 }

// Payload gives the news as it is told on ChangesChannel.
func (n *News) Payload() string {
	return string(append(fields.Bool(fields.Uvarint(fields.Uvarint(nil, n.After), n.UpTo), n.Vague), n.keys...))
}

// changesWait is the wait of a CHANGES. It follows what the node tells, and so knows up to where nothing
// is that it waits for. Where it reads anew it begins behind that: what lies before may be so much by then
// that it is no longer kept, and who waits for keys that change seldom would be told of a gap that is none.
type changesWait struct {
	cmd      caucus.Command
	match    string
	pattern  *glob.Pattern // match made ready, once there is news
	filtered bool
	marked   bool   // an answer without a change says where to go on
	at       uint64 // no change up to this revision is waited for
}

func newChangesWait(cmd caucus.Command) *changesWait {
	w := &changesWait{cmd: cmd}
	for i := 1; i+1 < len(cmd); i += 2 {
		switch {
		case strings.EqualFold(cmd[i], "MATCH"):
			w.match, w.filtered = cmd[i+1], true
		case strings.EqualFold(cmd[i], "FROM"):
			from, err := strconv.ParseUint(cmd[i+1], 10, 64)
			w.marked = err != nil
			w.at = max(from, 1) - 1
		}
	}
	w.marked = w.marked || w.filtered
	return w
}

// mark gives the revision of an answer that tells of no change, but up to where there is none.
func mark(r caucus.Reply) (revision uint64, ok bool) {
	if len(r.Items) != 1 || len(r.Items[0].Items) != 3 || r.Items[0].Items[1].Str != "" {
		return 0, false
	}
	return uint64(r.Items[0].Items[0].Int), true
}

// waiting says whether an answer tells of no change.
func (w *changesWait) waiting(r caucus.Reply) bool {
	at, ok := mark(r)
	w.at = max(w.at, at)
	return ok || r.Kind == caucus.KindArray && len(r.Items) == 0
}

// matters says whether news may be what is waited for.
func (w *changesWait) matters(payload string) bool {
	r := fields.StringReader(payload)
	n := News{After: r.Uvarint(), UpTo: r.Uvarint(), Vague: r.Bool()}
	switch {
	case n.UpTo <= w.at: // it was read already
		return false
	case !w.filtered, n.Vague, n.After > w.at: // the last: something was not heard
		return true
	}
	if w.pattern == nil {
		w.pattern = glob.Compile(w.match)
	}
	for r.Len() > 0 {
		if w.pattern.Match(r.String()) {
			return true
		}
	}
	w.at = n.UpTo
	return r.Err() != nil
}

// again gives the steps that read what may have come since.
func (w *changesWait) again(of *entry.Op) []entry.Step {
	op := *of
	op.Args = slices.Clone(w.cmd)
	for i := 1; i+1 < len(op.Args); i += 2 {
		if strings.EqualFold(op.Args[i], "FROM") {
			op.Args[i+1] = strconv.FormatUint(w.at+1, 10)
		}
	}
	return []entry.Step{{Op: &op}}
}

// over gives the answer when the time is over: that of the state, or up to where there is nothing.
func (w *changesWait) over(r caucus.Reply) caucus.Reply {
	if !w.marked || !w.waiting(r) {
		return r
	}
	return caucus.Array(caucus.Array(caucus.Int(int64(w.at)), caucus.Bulk(""), caucus.Bulk("")))
}
