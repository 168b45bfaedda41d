package machine

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/caucus-project/caucus"
)

// restoreRaise is by how much a restore raises the counter, so that no token that was given after the dump
// was taken is ever given again (SAFETY A16).
const restoreRaise = 1 << 32

// Dump is what a new ensemble can take from another's dump: its keys, and its groups made by CREATE. Sessions
// and members do not come along: whoever they were believes in the old ensemble.
type Dump struct {
	Contents
	limits
	notify string
	keys   []dumpedKey
	groups []dumpedGroup
}

// Contents says of what a dump is, and how much there is in it.
type Contents struct {
	Cluster     string // the ensemble's id
	Index, Term uint64 // of the last entry that is in it
	Stamp       int64  // the ensemble's clock then, microseconds since 1970
	Revision    uint64 // the highest that was given: of a key, a term, an epoch

	Keys, Groups, Sessions, Nodes int

	Made   int  // groups made by CREATE, which are those that come along
	Sealed bool // it has a sum, and that is right: it is as it was written
}

type dumpedKey struct {
	key string
	value
	elements []element
	expireAt int64
}

type dumpedGroup struct {
	name string
	options
}

// ReadDump reads what View.Dump wrote, perhaps edited by hand since; then it has no sum. Its errors name the
// line.
func ReadDump(r io.Reader) (*Dump, error) {
	in := &dumpReader{from: bufio.NewReaderSize(r, 64<<10), sum: sha256.New(), dump: &Dump{}, keep: true}
	return in.dump, in.all()
}

// CheckDump reads what View.Dump wrote, as ReadDump does, and keeps none of it. It must be as it was written:
// its lines in order, and with a sum.
func CheckDump(r io.Reader) (Contents, error) {
	in := &dumpReader{from: bufio.NewReaderSize(r, 64<<10), sum: sha256.New(), dump: &Dump{}}
	err := in.all()
	return in.dump.Contents, err
}

// Found makes the state of a new ensemble that begins with what the dump has. Keys whose end has come by
// stamp, in microseconds since 1970, are left out. It has no history: who followed the changes of the other
// ensemble, or begins at 0, is told that there is a gap. The dump can be used once.
func (d *Dump) Found(cluster [16]byte, stamp int64) *Machine {
	m := New(cluster, stamp)
	m.counter, m.now, m.limits, m.notify = d.Revision+restoreRaise, stamp, d.limits, d.notify
	for i := range d.keys {
		m.foundKey(&d.keys[i])
		d.keys[i] = dumpedKey{}
	}
	m.forgetHistory()
	for _, g := range d.groups {
		m.found(g.name, g.options).made = true
	}
	return m
}

// foundKey makes a key of a dump, unless its end has come.
func (m *Machine) foundKey(k *dumpedKey) {
	it := item{expireAt: k.expireAt}
	if it.over(m.now) {
		return
	}
	if k.kind.hasBody() {
		k.value = m.keys.adopt(m.counter+1, founded(k.kind, k.elements, m.keys.hashing))
	}
	m.put(wordSet, k.key, k.value, k.expireAt)
}

// dumpReader takes a dump apart, line by line.
type dumpReader struct {
	from   *bufio.Reader
	number int       // of the line
	torn   bool      // the line has no end
	sum    hash.Hash // of the lines before it
	seen   dumpEnd
	dump   *Dump
	keep   bool // keys and groups

	keys, groups names // that came
}

var (
	errEmpty = errors.New("there is nothing in it")
	errNoEnd = errors.New("the dump ends here, without the line that says how much there is: " +
		"it was cut off; take another")
)

// all reads a dump. Its errors name the line.
func (in *dumpReader) all() error {
	err := in.lines()
	switch {
	case err == nil:
		err = in.nothingMore()
	case errors.Is(err, errNoEnd) && in.number == 1:
		err = errEmpty
	case in.torn && in.number > 1:
		err = errNoEnd
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", in.number, err)
	}
	c := &in.dump.Contents
	c.Keys, c.Groups, c.Sessions, c.Nodes = in.seen.Keys, in.seen.Groups, in.seen.Sessions, in.seen.Nodes
	return nil
}

func (in *dumpReader) lines() error {
	line, err := in.next()
	if err == nil {
		err = in.head(line)
	}
	for err == nil {
		in.sum.Write(line)
		if line, err = in.next(); err != nil {
			break
		}
		if err = in.take(line); in.seen.End {
			break
		}
		if err != nil {
			err = fmt.Errorf("%w; the dump is damaged, or was edited wrongly: take another", err)
		}
	}
	return err
}

func (in *dumpReader) nothingMore() error {
	rest, err := in.next()
	switch {
	case errors.Is(err, errNoEnd):
		return nil
	case err != nil:
		return err
	case first(rest) == "caucus_dump":
		return errors.New("after the end there is another dump: one file holds one")
	}
	return fmt.Errorf("after the end there is %.40q", bytes.TrimSpace(rest))
}

// next reads the next line that is not empty, with its end. It is good until the next call.
func (in *dumpReader) next() ([]byte, error) {
	for {
		in.number++
		line, err := in.line()
		if len(bytes.TrimSpace(line)) > 0 {
			in.torn = err != nil
			return line, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, errNoEnd
		}
		if err != nil {
			return nil, err
		}
		in.sum.Write(line)
	}
}

// line reads a line. The first is short, or the file is no dump and may have no line's end at all.
func (in *dumpReader) line() ([]byte, error) {
	if in.number > 1 {
		return in.from.ReadBytes('\n')
	}
	line, err := in.from.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, errNoDump
	}
	return bytes.Clone(line), err
}

// errNoDump is what is said of a file that does not begin as a dump does.
var errNoDump = fmt.Errorf(`this is not a dump of caucus: it does not begin with {"caucus_dump": %d`,
	dumpVersion)

func (in *dumpReader) head(line []byte) error {
	if first(line) != "caucus_dump" {
		return errNoDump
	}
	var version struct {
		Is int `json:"caucus_dump"`
	}
	if err := json.Unmarshal(line, &version); err != nil {
		return err
	}
	if version.Is != dumpVersion {
		return fmt.Errorf("it is a dump of version %d, and this version of caucus reads %d: use the one that "+
			"wrote it, or a newer one", version.Is, dumpVersion)
	}
	var h dumpHead
	if err := strict(line, &h); err != nil {
		return err
	}
	if h.Counter > math.MaxInt64/2 { // terms and epochs are integers on the wire
		return fmt.Errorf("a counter of %d leaves no room to raise it", h.Counter)
	}
	for name, limit := range map[string]int64{"maxmemory": h.Limit, "max_key_bytes": h.Key,
		"max_value_bytes": h.Value, "max_elements": h.Most, "max_reply_bytes": h.Reply,
		"max_sessions": h.Opened, "max_groups": h.Groups, "max_members": h.Members} {
		if limit < 0 {
			return fmt.Errorf("%s is %d; it is a number, 0 for no limit", name, limit)
		}
	}
	notify, refused := notifyFlags(h.Notify)
	if refused != nil {
		return fmt.Errorf("notify_keyspace_events is %q; it takes letters of A%s", h.Notify, notifyLetters)
	}
	in.dump.limits, in.dump.notify = limits{h.Limit, h.Key, h.Value, h.Most, h.Reply, h.Opened,
		h.Groups, h.Members}, notify
	in.dump.Contents = Contents{Cluster: h.Cluster, Index: h.Index, Term: h.Term, Stamp: h.Stamp,
		Revision: h.Counter}
	return nil
}

// take reads one line after the first. What it is says the name of its first field.
func (in *dumpReader) take(line []byte) error {
	switch first(line) {
	case "key", "key_b64":
		in.seen.Keys++
		return in.key(line)
	case "group":
		in.seen.Groups++
		return in.group(line)
	case "session":
		in.seen.Sessions++
		return strict(line, &dumpSession{})
	case "node":
		in.seen.Nodes++
		return strict(line, &dumpNode{})
	case "end":
		return in.end(line)
	}
	return fmt.Errorf(`%.40q begins with none of "key", "key_b64", "group", "session", "node" and "end"`,
		bytes.TrimSpace(line))
}

// first gives the name of a line's first field, "" when it has none.
func first(line []byte) string {
	line, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("{"))
	line, quoted := bytes.CutPrefix(bytes.TrimSpace(line), []byte(`"`))
	name, _, ended := bytes.Cut(line, []byte(`"`))
	if !ok || !quoted || !ended {
		return ""
	}
	return string(name)
}

// strict reads a line of JSON that has no field that to has not.
func strict(line []byte, to any) error {
	line = bytes.TrimSpace(line)
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if d.More() || d.InputOffset() != int64(len(line)) {
		return errors.New("something follows what should be all of the line")
	}
	return nil
}

func (in *dumpReader) key(line []byte) error {
	var k dumpKey
	if err := strict(line, &k); err != nil {
		return err
	}
	key, err := unreadable("key", k.Key, k.KeyB64)
	if err != nil {
		return err
	}
	is := kindNamed(k.Type)
	if is == 0 {
		return fmt.Errorf("key %.40q is of type %q, which this version does not know", key, k.Type)
	}
	text, elements, err := k.content(is)
	switch {
	case err != nil:
		return fmt.Errorf("key %.40q: %w", key, err)
	case k.Expires < 0:
		return fmt.Errorf("key %.40q: expires_ms is %d; it is a time after 1970", key, k.Expires)
	}
	if in.keep {
		in.dump.keys = append(in.dump.keys, dumpedKey{key, value{is, text}, elements, k.Expires})
	}
	return in.keys.add("key", key, in.keep)
}

func (in *dumpReader) group(line []byte) error {
	var g dumpGroup
	if err := strict(line, &g); err != nil {
		return err
	}
	if err := in.groups.add("group", g.Group, in.keep); err != nil {
		return err
	}
	if !g.Made || g.Group == NodesGroup { // the new ensemble's nodes make theirs themselves
		return nil
	}
	o, err := g.options()
	if err != nil {
		return fmt.Errorf("group %.40q: %s", g.Group, err.Message)
	}
	in.dump.Made++
	if in.keep {
		in.dump.groups = append(in.dump.groups, dumpedGroup{g.Group, o})
	}
	return nil
}

// options gives what the group was made with, checked as CREATE does.
func (g *dumpGroup) options() (options, *caucus.Error) {
	if err := legalGroup(g.Group); err != nil {
		return options{}, err
	}
	none := g.Kind == "noleader"
	if !none && g.Kind != "leader" {
		return options{}, caucus.Errorf(caucus.ErrBad, "the kind is leader or noleader, not %q", g.Kind)
	}
	st := statement{settle: &g.Settle, ttl: &g.TTL, grace: &g.Grace, min: &g.Min, slots: &g.Slots,
		heartbeat: &g.Beat, voteTimeout: &g.Vote, noLeader: none}
	life, err := st.check(g.TTL, g.Grace)
	o := st.options(life)
	return o, cmp.Or(err, o.sound())
}

// end compares what came with what the last line says there is.
func (in *dumpReader) end(line []byte) error {
	var said dumpEnd
	if err := strict(line, &said); err != nil {
		return err
	}
	in.seen.End, in.seen.SHA256 = true, said.SHA256
	if said != in.seen {
		return fmt.Errorf("it says that there are %d keys, %d groups, %d sessions and %d nodes, and there are "+
			"%d, %d, %d and %d: lines are missing, or were added without a change here", said.Keys, said.Groups,
			said.Sessions, said.Nodes, in.seen.Keys, in.seen.Groups, in.seen.Sessions, in.seen.Nodes)
	}
	in.dump.Sealed = said.SHA256 != ""
	if !in.dump.Sealed && in.keep {
		return nil
	}
	return in.sealed(line, said.SHA256)
}

// sealed looks whether the dump's last line is as it was written, and the sum in it that of all before it.
func (in *dumpReader) sealed(line []byte, sum string) error {
	before, _, _ := bytes.Cut(line, []byte(`,"sha256":`))
	in.sum.Write(before)
	if want := seal(in.sum); string(line[len(before):]) != want {
		return fmt.Errorf("the SHA-256 of all that stands before that field is %x, and it says %.80q: the dump "+
			"was damaged, take another; who has edited it, and means it, takes the field out", in.sum.Sum(nil), sum)
	}
	return nil
}

// names are those of the lines of one kind that came. They come in order, unless somebody has edited the
// dump.
type names struct {
	count  int
	last   string
	sorted []string        // the names as long as they came in order
	all    map[string]bool // since one did not
}

// add takes a name, which must be new. Unless the names are kept it must come behind the last.
func (n *names) add(what, name string, keep bool) error {
	behind := n.count == 0 || name > n.last
	again := n.count > 0 && name == n.last || n.all[name]
	if !behind && n.all == nil && keep {
		n.all = make(map[string]bool, n.count)
		for _, earlier := range n.sorted {
			n.all[earlier] = true
		}
		again, n.sorted = n.all[name], nil
	}
	switch {
	case again:
		return fmt.Errorf("%s %.40q stands here for the second time", what, name)
	case !behind && !keep:
		return fmt.Errorf("%s %.40q stands behind %.40q, which is not their order", what, name, n.last)
	case n.all != nil:
		n.all[name] = true
	case keep:
		n.sorted = append(n.sorted, name)
	}
	n.count++
	n.last = name
	return nil
}
