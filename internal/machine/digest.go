package machine

import (
	"hash/crc32"
	"slices"
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
)

// Digest is what a node made of its state right after the entry for which it was asked.
type Digest struct {
	Node   uint64 // raft id
	Format uint32 // see View.Format: digests of different formats cannot be compared
	Sum    uint64 // the first 8 bytes of View.Digest, the first one highest
}

// Digests is a table of digests that the leader has logged (SAFETY A13).
type Digests struct {
	Index uint64 // of the entry after which they were taken; 0 when there was no table yet
	Rows  []Digest
}

// digests is what the state knows of digests. Its table is replaced as a whole, never changed.
type digests struct {
	asked  uint64 // index of the last entry that asked for them
	stamp  int64  // of that entry; before the first the founding of the ensemble
	closed uint64 // the last asked for which there is an answer, be it an empty one
	table  Digests
}

// TakeDigest asks every node for the digest of its state right after this entry, as a decision of the
// leader or a node's report that somebody wants to know. While one is being taken it changes nothing.
func TakeDigest() entry.Op { return entry.Op{Args: caucus.Command{opDigest}} }

// LogDigests is the leader's account of what nodes reported for an index. Without rows it only ends the
// waiting, and the table before it stays.
func LogDigests(index uint64, rows []Digest) entry.Op {
	args := caucus.Command{opDigests, strconv.FormatUint(index, 10)}
	for _, d := range rows {
		args = append(args, strconv.FormatUint(d.Node, 10), strconv.FormatUint(uint64(d.Format), 10),
			strconv.FormatUint(d.Sum, 10))
	}
	return entry.Op{Args: args}
}

// Digesting says after which entry digests were asked for last, at which stamp, and whether the table of
// them is still to come.
func (s *state) Digesting() (index uint64, stamp int64, open bool) {
	return s.digests.asked, s.digests.stamp, s.digests.asked > s.digests.closed
}

// Digests gives the last table and up to which index all that were asked for are answered. The caller does
// not change the rows.
func (s *state) Digests() (table Digests, closed uint64) { return s.digests.table, s.digests.closed }

func takeDigest(c *call) caucus.Reply {
	if _, _, open := c.m.Digesting(); !open {
		c.m.digests.asked, c.m.digests.stamp = c.m.index, c.m.now
		c.m.out.Digest = true
	}
	return caucus.OK()
}

func logDigests(c *call) caucus.Reply {
	var nums []uint64
	for _, a := range c.args[1:] {
		n, err := strconv.ParseUint(a, 10, 64)
		if err != nil {
			return caucus.Fail(caucus.ErrBad, "%q is not a number", a)
		}
		nums = append(nums, n)
	}
	if len(nums) == 0 || nums[0] != c.m.digests.asked || nums[0] == c.m.digests.closed {
		return caucus.Fail(caucus.ErrBad, "not the digests that were asked for")
	}
	c.m.digests.closed = nums[0]
	c.m.out.Digests = true
	table := Digests{Index: nums[0]}
	for row := range slices.Chunk(nums[1:], 3) {
		if len(row) == 3 {
			table.Rows = append(table.Rows, Digest{Node: row[0], Format: uint32(row[1]), Sum: row[2]})
		}
	}
	if len(table.Rows) > 0 {
		c.m.digests.table = table
	}
	return caucus.OK()
}

// Format names what Digest covers: two versions that give the same write the same state the same way. It
// is never 0. While versions of two levels run side by side they write one format, that of the level in
// force.
func (v *View) Format() uint32 {
	text := []byte{snapshotFormat}
	for _, part := range sections(v.state.level) {
		text = append(fields.String(text, part.name), part.version)
	}
	return max(1, crc32.ChecksumIEEE(text))
}

func saveDigests(w *saver, s *state) {
	d := &s.digests
	row := fields.Varint(fields.Uvarint(w.head, d.asked), d.stamp)
	row = fields.Uvarint(fields.Uvarint(row, d.closed), d.table.Index)
	row = fields.Uvarint(row, uint64(len(d.table.Rows)))
	for _, r := range d.table.Rows {
		row = fields.Uvarint(fields.Uvarint(row, r.Node), uint64(r.Format))
		row = fields.Uint64(row, r.Sum)
	}
	w.row(row, "")
}

func loadDigests(r *fields.Reader, s *state) error {
	s.digests = digests{asked: r.Uvarint(), stamp: r.Varint(), closed: r.Uvarint()}
	s.digests.table.Index = r.Uvarint()
	for range r.Count(10) {
		s.digests.table.Rows = append(s.digests.table.Rows,
			Digest{Node: r.Uvarint(), Format: uint32(r.Uvarint()), Sum: r.Uint64()})
	}
	return nil
}

// Grows says whether an operation may make the state larger, so that it is refused while the disks are full
// (SAFETY B13). What frees, and what nodes report of themselves, does not.
func (m *Machine) Grows(op *entry.Op) bool {
	grows := func(args caucus.Command) bool {
		if len(args) > 0 && args[0] != "" && args[0][0] == '.' {
			return false
		}
		spec, err := m.table.Lookup(args)
		return err == nil && spec.Has(command.DenyOOM)
	}
	return grows(op.Args) || slices.ContainsFunc(op.Queue, grows)
}

// Refused stands in the log in place of an operation that the leader has refused: every node answers it
// with the reason, NOSPACE and what is missing, and nothing else happens. It is not kept under a ONCE
// number, so the same request may be sent again when there is space; one that was applied before it was
// asked again is answered as it was then (SAFETY A15).
func Refused(op *entry.Op, why *caucus.Error) entry.Op {
	return entry.Op{Conn: op.Conn, Request: op.Request, Session: op.Session, Attach: op.Attach, Bound: op.Bound,
		Once: op.Once, User: op.User, Args: caucus.Command{opRefused, why.Error()}}
}

func isRefused(op *entry.Op) bool { return len(op.Args) > 0 && op.Args[0] == opRefused }

func refused(c *call) caucus.Reply { return caucus.ErrorReply(caucus.ParseError(c.args[1])) }
