package machine

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"github.com/caucus-project/caucus"
)

// A dump is the state for people: a line of JSON for the ensemble, then one for each key and group, which a
// new ensemble can begin with (ReadDump), one for each session and node, which are there to be read only,
// and one that ends it with how many of each there are, and with the SHA-256 of all bytes before that field,
// so that no byte of it is lost or changed unnoticed. Lines of one kind are sorted by name, so two dumps can
// be compared. Nothing in it lets a reader act for somebody.

// dumpVersion is in the first line. A version refuses the dumps of those that it does not know.
const dumpVersion = 1

type dumpHead struct {
	Version int    `json:"caucus_dump"`
	Cluster string `json:"cluster_id"`
	Index   uint64 `json:"index"`
	Term    uint64 `json:"term"`
	Stamp   int64  `json:"stamp"` // microseconds since 1970
	Counter uint64 `json:"counter"`
	Limit   int64  `json:"maxmemory"`               // bytes, 0 for none; a new ensemble has it too
	Key     int64  `json:"max_key_bytes,omitempty"` // these, too
	Value   int64  `json:"max_value_bytes,omitempty"`
	Most    int64  `json:"max_elements,omitempty"`
	Reply   int64  `json:"max_reply_bytes,omitempty"`
	Opened  int64  `json:"max_sessions,omitempty"`
	Groups  int64  `json:"max_groups,omitempty"`
	Members int64  `json:"max_members,omitempty"`
	Notify  string `json:"notify_keyspace_events,omitempty"`
}

// dumpKey has what is no readable text under the name with _b64 instead.
type dumpKey struct {
	Key      *string `json:"key,omitempty"`
	KeyB64   []byte  `json:"key_b64,omitempty"`
	Type     string  `json:"type"`
	Value    *string `json:"value,omitempty"`
	ValueB64 []byte  `json:"value_b64,omitempty"`
	Expires  int64   `json:"expires_ms,omitempty"` // since 1970

	Elements []dumpElement `json:"elements,omitempty"` // in place of a value
}

// dumpGroup is a group: what it was made with, and behind that how it stood.
type dumpGroup struct {
	Group   string       `json:"group"`
	Made    bool         `json:"made"` // by CREATE: only these come back
	Kind    string       `json:"kind"`
	Settle  int64        `json:"settle"`
	TTL     int64        `json:"ttl"`
	Grace   int64        `json:"grace"`
	Min     int64        `json:"min"`
	Slots   int64        `json:"slots"`
	Beat    int64        `json:"heartbeat"`
	Vote    int64        `json:"vote_timeout"`
	State   string       `json:"state"`
	Epoch   uint64       `json:"epoch"`
	Total   int          `json:"total"`
	Term    uint64       `json:"term"`
	Seq     uint64       `json:"seq"`
	Members []dumpMember `json:"members"`
}

type dumpMember struct {
	Name     string  `json:"name"`
	Session  string  `json:"session"`
	Order    uint64  `json:"order"`
	Index    int     `json:"index"`
	Slots    string  `json:"slots,omitempty"` // as "0-127,300"
	Leader   bool    `json:"leader"`
	Priority int64   `json:"priority"`
	Metadata *string `json:"metadata,omitempty"`
	MetaB64  []byte  `json:"metadata_b64,omitempty"`
}

// dumpSession has of the session's hash only as much as tells sessions apart.
type dumpSession struct {
	Session string   `json:"session"`
	TTL     int64    `json:"ttl"`
	Grace   int64    `json:"grace"`
	Node    string   `json:"node"`
	Evicted bool     `json:"evicted"`
	Groups  []string `json:"groups"`
}

type dumpNode struct {
	Node     string  `json:"node"`
	ID       uint64  `json:"id"`
	Client   string  `json:"addr"`
	Peer     string  `json:"peer"`
	HTTP     string  `json:"http"`
	Metadata *string `json:"metadata,omitempty"`
	MetaB64  []byte  `json:"metadata_b64,omitempty"`
	Version  string  `json:"version"`
	Boots    uint64  `json:"boots"`
}

type dumpEnd struct {
	End      bool   `json:"end"`
	Keys     int    `json:"keys"`
	Groups   int    `json:"groups"`
	Sessions int    `json:"sessions"`
	Nodes    int    `json:"nodes"`
	SHA256   string `json:"sha256,omitempty"` // whoever edited the dump takes it out
}

// Lines says how many lines Dump writes.
func (v *View) Lines() int {
	s := v.state
	return 2 + s.keys.count + s.groups.Len() + s.sessions.Len() + s.nodes.Len()
}

// Dump writes the view as lines of JSON, each by one call of Write. It may run in any goroutine while the
// machine goes on, gives the same bytes every time, and holds no more memory than the list of the keys and
// the longest line.
func (v *View) Dump(w io.Writer) error {
	s := v.state
	d := newDumper(w)
	d.line(dumpHead{dumpVersion, fmt.Sprintf("%x", s.cluster), s.index, s.term, s.stamp, s.counter,
		s.limits.memory, s.limits.key, s.limits.value, s.limits.elements,
		s.limits.reply, s.limits.sessions, s.limits.groups, s.limits.members, s.notify})
	d.keys(s)
	s.groups.Scan(func(_ string, g *group) bool { return d.line(s.dumpGroup(g)) })
	s.sessions.Scan(func(_ string, of *session) bool { return d.line(s.dumpSession(of)) })
	s.nodes.Scan(func(_ uint64, n *Node) bool {
		text, raw := readable(n.Metadata)
		return d.line(dumpNode{n.Name, n.ID, n.Client, n.Peer, n.HTTP, text, raw, n.Version, n.Boots})
	})
	d.end(dumpEnd{End: true, Keys: s.keys.count, Groups: s.groups.Len(), Sessions: s.sessions.Len(),
		Nodes: s.nodes.Len()})
	return d.err
}

// dumper writes lines. After its first error it writes no more.
type dumper struct {
	w    io.Writer
	sum  hash.Hash // of the lines written
	text bytes.Buffer
	json *json.Encoder // into text
	err  error
}

func newDumper(w io.Writer) *dumper {
	d := &dumper{w: w, sum: sha256.New()}
	d.json = json.NewEncoder(&d.text)
	d.json.SetEscapeHTML(false)
	return d
}

func (d *dumper) line(of any) (ok bool) {
	if d.encode(of) {
		d.sum.Write(d.text.Bytes())
		d.write()
	}
	return d.err == nil
}

func (d *dumper) encode(of any) (ok bool) {
	if d.err == nil {
		d.text.Reset()
		d.err = d.json.Encode(of)
	}
	return d.err == nil
}

func (d *dumper) write() {
	if d.err == nil {
		_, d.err = d.w.Write(d.text.Bytes())
	}
}

// end writes the last line, whose last field is the sum of all before it.
func (d *dumper) end(of dumpEnd) {
	if !d.encode(of) {
		return
	}
	d.text.Truncate(d.text.Len() - len("}\n"))
	d.sum.Write(d.text.Bytes())
	d.text.WriteString(seal(d.sum))
	d.write()
}

// seal gives the end of a dump's last line, with the sum of all that stands before it.
func seal(sum hash.Hash) string { return fmt.Sprintf(",\"sha256\":\"%x\"}\n", sum.Sum(nil)) }

func (s *state) dumpGroup(g *group) dumpGroup {
	d := dumpGroup{Group: g.name, Made: g.made, Kind: g.kind(), Settle: g.settle, TTL: g.ttl, Grace: g.grace,
		Min: g.min, Slots: g.slots, Beat: g.heartbeat, Vote: g.voteTimeout, State: g.state(), Epoch: g.epoch,
		Total: g.total, Term: g.term, Seq: g.seq, Members: []dumpMember{}}
	g.members.Scan(func(_ uint64, mb *member) bool {
		m := dumpMember{Name: mb.name, Session: shortHash(mb.session), Order: mb.order, Index: mb.index,
			Slots: caucus.SlotRanges(g.slotsHeld(mb.order)), Leader: mb.order == g.leader, Priority: mb.priority}
		m.Metadata, m.MetaB64 = readable(mb.metadata)
		d.Members = append(d.Members, m)
		return true
	})
	return d
}

func (s *state) dumpSession(of *session) dumpSession {
	d := dumpSession{Session: shortHash(of.id), TTL: of.ttl, Grace: of.grace, Node: s.nodeName(of.node),
		Evicted: of.evicted, Groups: []string{}}
	of.places.Scan(func(group string, _ uint64) bool {
		d.Groups = append(d.Groups, group)
		return true
	})
	return d
}

// shortHash gives as much of a session's hash as tells sessions apart.
func shortHash(id [16]byte) string { return fmt.Sprintf("%x", id[:6]) }
