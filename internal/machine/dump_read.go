package machine

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
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
	counter uint64
	limit   int64 // on memory, bytes
	keys    []dumpedKey
	groups  []dumpedGroup
}

type dumpedKey struct {
	key, text string
	expireAt  int64
}

type dumpedGroup struct {
	name string
	options
}

// Keys and Groups count what the dump has.
func (d *Dump) Keys() int { return len(d.keys) }

// Groups counts the groups made by CREATE.
func (d *Dump) Groups() int { return len(d.groups) }

// ReadDump reads what View.Dump wrote, perhaps edited by hand since. Its errors name the line.
func ReadDump(r io.Reader) (*Dump, error) {
	in := &dumpReader{from: bufio.NewReaderSize(r, 64<<10), dump: &Dump{},
		keys: map[string]bool{}, groups: map[string]bool{}}
	if err := in.all(); err != nil {
		return nil, fmt.Errorf("line %d: %w", in.number, err)
	}
	return in.dump, nil
}

// Found makes the state of a new ensemble that begins with what the dump has. Keys whose end has come by
// stamp, in microseconds since 1970, are left out. It has no history: who followed the changes of the other
// ensemble, or begins at 0, is told that there is a gap.
func (d *Dump) Found(cluster [16]byte, stamp int64) *Machine {
	m := New(cluster, stamp)
	m.counter, m.now, m.maxMemory = d.counter+restoreRaise, stamp, d.limit
	for _, k := range d.keys {
		m.put(wordSet, k.key, text(k.text), k.expireAt)
	}
	m.forgetHistory()
	for _, g := range d.groups {
		m.found(g.name, g.options).made = true
	}
	return m
}

// dumpReader takes a dump apart, line by line.
type dumpReader struct {
	from   *bufio.Reader
	number int // of the line
	seen   dumpEnd
	dump   *Dump

	keys, groups map[string]bool // names that came
}

var errNoEnd = errors.New("the dump ends here, without the line that says how much there is: " +
	"it was cut off; take another")

func (in *dumpReader) all() error {
	line, err := in.next()
	if err == nil {
		err = in.head(line)
	}
	for err == nil && !in.seen.End {
		if line, err = in.next(); err == nil {
			err = in.take(line)
		}
	}
	if err != nil {
		return err
	}
	if rest, err := in.next(); !errors.Is(err, errNoEnd) {
		return errors.Join(err, fmt.Errorf("after the end there is %.40q", rest))
	}
	return nil
}

// next reads the next line that is not empty.
func (in *dumpReader) next() ([]byte, error) {
	for {
		in.number++
		line, err := in.from.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, errNoEnd
		}
		if err != nil {
			return nil, err
		}
	}
}

func (in *dumpReader) head(line []byte) error {
	if first(line) != "caucus_dump" {
		return fmt.Errorf(`this is not a dump of caucus: it does not begin with {"caucus_dump": %d`, dumpVersion)
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
	if h.Limit < 0 {
		return fmt.Errorf("maxmemory is %d; it is a number of bytes, 0 for no limit", h.Limit)
	}
	in.dump.counter, in.dump.limit = h.Counter, h.Limit
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
	return fmt.Errorf(`%.40q begins with none of "key", "key_b64", "group", "session", "node" and "end"`, line)
}

// first gives the name of a line's first field, "" when it has none.
func first(line []byte) string {
	line, ok := bytes.CutPrefix(line, []byte("{"))
	line, quoted := bytes.CutPrefix(bytes.TrimSpace(line), []byte(`"`))
	name, _, ended := bytes.Cut(line, []byte(`"`))
	if !ok || !quoted || !ended {
		return ""
	}
	return string(name)
}

// strict reads a line of JSON that has no field that to has not.
func strict(line []byte, to any) error {
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
	if k.Type != kindText.name() {
		return fmt.Errorf("key %.40q is of type %q, which this version does not know", key, k.Type)
	}
	value, err := unreadable("value", k.Value, k.ValueB64)
	switch {
	case err != nil:
		return fmt.Errorf("key %.40q: %w", key, err)
	case k.Expires < 0:
		return fmt.Errorf("key %.40q: expires_ms is %d; it is a time after 1970", key, k.Expires)
	case in.keys[key]:
		return fmt.Errorf("key %.40q stands here for the second time", key)
	}
	in.keys[key] = true
	in.dump.keys = append(in.dump.keys, dumpedKey{key, value, k.Expires})
	return nil
}

func (in *dumpReader) group(line []byte) error {
	var g dumpGroup
	if err := strict(line, &g); err != nil {
		return err
	}
	if in.groups[g.Group] {
		return fmt.Errorf("group %.40q stands here for the second time", g.Group)
	}
	in.groups[g.Group] = true
	if !g.Made || g.Group == NodesGroup { // the new ensemble's nodes make theirs themselves
		return nil
	}
	o, err := g.options()
	if err != nil {
		return fmt.Errorf("group %.40q: %s", g.Group, err.Message)
	}
	in.dump.groups = append(in.dump.groups, dumpedGroup{g.Group, o})
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
	in.seen.End = true
	if said != in.seen {
		return fmt.Errorf("it says that there are %d keys, %d groups, %d sessions and %d nodes, and there are "+
			"%d, %d, %d and %d: lines are missing, or were added without a change here", said.Keys, said.Groups,
			said.Sessions, said.Nodes, in.seen.Keys, in.seen.Groups, in.seen.Sessions, in.seen.Nodes)
	}
	return nil
}
