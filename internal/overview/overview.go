package overview

import (
	"encoding/base64"
	"unicode/utf8"

	"github.com/caucus-project/caucus"
)

// Ensemble is an ensemble as one node shows it. What nobody could tell is nil.
type Ensemble struct {
	Cluster string  `json:"cluster_id"` // 32 hexadecimal digits
	Name    string  `json:"name"`       // of the node that was asked
	Leader  *string `json:"leader"`     // name of the node that leads
	Term    uint64  `json:"term"`
	Commit  uint64  `json:"commit"` // the last entry that the node knows to be committed
	Quorum  bool    `json:"quorum"` // the groups were read through a majority; else they may be old
	Time    int64   `json:"time"`   // unix milliseconds, on the ensemble's clock
	Nodes   []Node  `json:"nodes"`
	Groups  []Group `json:"groups"`
}

// Node is one node, with what it says of itself.
type Node struct {
	Row
	Sessions    *uint64 `json:"sessions"`    // attached to it
	Connections *uint64 `json:"connections"` // to its client door
	Disk        *string `json:"disk"`        // ok, low or hung
	DiskFree    *uint64 `json:"disk_free"`   // bytes
	ClockAhead  *int64  `json:"clock_ms"`    // its wall clock, of the ensemble's
}

// Row is one node as ENSEMBLE NODES describes it.
type Row struct {
	Name string `json:"name"`
	ID   uint64 `json:"id"`
	Role string `json:"role"` // leader, follower, candidate, learner or unreachable
	Addr string `json:"addr"`
	Peer string `json:"peer"`
	HTTP string `json:"http"`
	// One of the two is not nil: the metadata as text, or in base64 when it is none.
	Metadata    *string `json:"metadata,omitempty"`
	MetadataB64 *string `json:"metadata_b64,omitempty"`
	Term        *uint64 `json:"term"`
	Index       *uint64 `json:"index"`
	Applied     *uint64 `json:"applied"`
	Lag         *uint64 `json:"lag"`        // entries
	Contact     *uint64 `json:"contact_ms"` // since it was heard
	Version     string  `json:"version"`
	Level       uint64  `json:"level"`
}

// Group is one group in short.
type Group struct {
	Name   string  `json:"name"`
	State  string  `json:"state"` // settling or settled
	Size   int64   `json:"size"`
	Total  int64   `json:"total"`
	Epoch  int64   `json:"epoch"`
	Leader *string `json:"leader"`
	Term   int64   `json:"term"`
	Slots  int64   `json:"slots"`
}

// Witness is what one node says when another gathers: of itself, and of all as far as it knows.
type Witness struct {
	Rows        []Row
	Sessions    uint64
	Connections uint64
	Disk        string
	DiskFree    uint64
	ClockAhead  int64 // milliseconds
}

// Applied gives the last entry that the node of that name has applied, nil when the witness does not know.
func (w *Witness) Applied(name string) *uint64 {
	for _, row := range w.Rows {
		if row.Name == name {
			return row.Applied
		}
	}
	return nil
}

// Rows reads what ENSEMBLE NODES answers.
func Rows(r caucus.Reply) []Row {
	rows := make([]Row, len(r.Items))
	for i, node := range r.Items {
		rows[i] = readRow(node)
	}
	return rows
}

func readRow(r caucus.Reply) Row {
	row := Row{Name: r.Field("name").Text(), ID: count(r.Field("id")), Role: r.Field("role").Text(),
		Addr: r.Field("addr").Text(), Peer: r.Field("peer").Text(), HTTP: r.Field("http").Text(),
		Term: number(r.Field("term")), Index: number(r.Field("index")), Applied: number(r.Field("applied")),
		Lag: number(r.Field("lag")), Contact: number(r.Field("contact_ms")),
		Version: r.Field("version").Text(), Level: count(r.Field("level"))}
	if bytes := r.Field("metadata").Text(); utf8.ValidString(bytes) {
		row.Metadata = &bytes
	} else {
		row.MetadataB64 = new(base64.StdEncoding.EncodeToString([]byte(bytes)))
	}
	return row
}

// number gives a count, nil when nobody could tell it.
func number(r caucus.Reply) *uint64 {
	if r.IsNil() {
		return nil
	}
	return new(count(r))
}

func count(r caucus.Reply) uint64 { return uint64(max(0, r.Int)) }

// ReadGroup reads what GROUP INFO answers.
func ReadGroup(r caucus.Reply) Group {
	g := Group{Name: r.Field("name").Text(), State: r.Field("state").Text(), Size: r.Field("size").Int,
		Total: r.Field("total").Int, Epoch: r.Field("epoch").Int, Term: r.Field("term").Int,
		Slots: r.Field("slots").Int}
	if leader := r.Field("leader").Text(); leader != "" {
		g.Leader = &leader
	}
	return g
}

// Lead gives the name of the node that leads, nil when none is known to.
func Lead(rows []Row) *string {
	for _, row := range rows {
		if row.Role == "leader" {
			return &row.Name
		}
	}
	return nil
}
