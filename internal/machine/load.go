package machine

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/caucus-project/caucus/internal/fields"
)

// Load reads what Save wrote. What it reads may be damaged, or come from a version that knows more
// (ErrNewer): then it fails and says so.
func Load(r io.Reader) (*Machine, error) { return LoadFor(Supported, r) }

// LoadFor is Load by a version that supports another level than Supported.
func LoadFor(level uint16, r io.Reader) (*Machine, error) {
	l := &loader{r: bufio.NewReaderSize(r, saveBuffer), table: crc32.MakeTable(crc32.Castagnoli)}
	m := &Machine{state: state{deadlines: newDeadlines()}}
	if err := l.all(&m.state, level); err != nil {
		return nil, fmt.Errorf("the snapshot cannot be read: %w", err)
	}
	m.prepare()
	m.Support(level)
	return m, nil
}

// all reads a snapshot in the format of the level that it was written at.
func (l *loader) all(s *state, supported uint16) error {
	if err := l.header(s, supported); err != nil {
		return err
	}
	for _, part := range sections(s.level) {
		if err := l.section(part, s); err != nil {
			return err
		}
	}
	if err := s.keys.sound(); err != nil {
		return err
	}
	return l.nothingMore()
}

// loader takes a snapshot apart.
type loader struct {
	r     *bufio.Reader
	table *crc32.Table
	sum   uint32 // of what was taken since the last checksum
	room  []byte // the last piece taken
}

// maxRow is the longest row that is believed: the longest string, and to spare.
const maxRow = 1 << 30

// errChecksum says that bytes are not those that were written.
var errChecksum = errors.New("the checksum is wrong: the bytes are damaged")

func (l *loader) header(s *state, supported uint16) error {
	head, err := l.take(len(snapshotMagic) + 3)
	if err != nil {
		return err
	}
	if string(head[:len(snapshotMagic)]) != snapshotMagic {
		return errors.New("this is not a snapshot of caucus")
	}
	format := head[len(snapshotMagic)]
	s.level = binary.LittleEndian.Uint16(head[len(snapshotMagic)+1:])
	switch err := l.sealed(); {
	case err != nil:
		return err
	case format != snapshotFormat:
		return fmt.Errorf("it has format %d, this version reads %d: %w", format, snapshotFormat, ErrNewer)
	case s.level > supported:
		return fmt.Errorf("it needs feature level %d, this version has %d: %w", s.level, supported, ErrNewer)
	}
	return nil
}

func (l *loader) section(part section, s *state) error {
	if err := l.begin(part); err != nil {
		return err
	}
	rows := 0
	for ; ; rows++ {
		row, err := l.row()
		if err != nil {
			return fmt.Errorf("section %s, row %d: %w", part.name, rows+1, err)
		}
		if row == nil {
			break
		}
		if rows == part.rows {
			return fmt.Errorf("section %s has more than %d rows", part.name, rows)
		}
		r := fields.NewReader(row)
		if err = part.load(&r, s); err == nil {
			err = r.End("it")
		}
		if err != nil {
			return fmt.Errorf("section %s, row %d: %w", part.name, rows+1, err)
		}
	}
	if err := l.sealed(); err != nil {
		return fmt.Errorf("section %s: %w", part.name, err)
	}
	if rows < part.rows {
		return fmt.Errorf("section %s has %d rows instead of %d", part.name, rows, part.rows)
	}
	return nil
}

// begin takes a section's name and version, and refuses others than those expected.
func (l *loader) begin(part section) error {
	name, err := l.text()
	if err != nil {
		return fmt.Errorf("section %s should follow: %w", part.name, err)
	}
	version, err := l.take(1)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(formats(), func(p section) bool { return p.name == name })
	switch {
	case !known:
		return fmt.Errorf("it has a section %q, which this version does not know: "+
			"start the version that wrote it, or a newer one", name)
	case name != part.name:
		return fmt.Errorf("section %s stands where %s should", name, part.name)
	case version[0] != part.version:
		return fmt.Errorf("section %s has version %d, this version reads %d: "+
			"start the version that wrote it, or a newer one", name, version[0], part.version)
	}
	return nil
}

// text takes a length and so many bytes.
func (l *loader) text() (string, error) {
	n, err := l.length()
	if err != nil {
		return "", err
	}
	s, err := l.take(min(n, 255))
	return string(s), err
}

// row takes one row, nil at the end of a section.
func (l *loader) row() ([]byte, error) {
	n, err := l.length()
	if err != nil || n == 0 {
		return nil, err
	}
	return l.take(n)
}

func (l *loader) length() (int, error) {
	n, err := binary.ReadUvarint(l.r)
	if err != nil {
		return 0, torn(err)
	}
	if n > maxRow {
		return 0, fmt.Errorf("a length of %d: the bytes are damaged", n)
	}
	l.room = binary.AppendUvarint(l.room[:0], n)
	l.add()
	return int(n), nil
}

// take gives the next n bytes, until it is called again. It asks for memory only as the bytes come.
func (l *loader) take(n int) ([]byte, error) {
	l.room = l.room[:0]
	for len(l.room) < n {
		from := len(l.room)
		step := min(n-from, 1<<20)
		l.room = slices.Grow(l.room, step)[:from+step]
		if _, err := io.ReadFull(l.r, l.room[from:]); err != nil {
			return nil, torn(err)
		}
	}
	l.add()
	return l.room, nil
}

func (l *loader) add() { l.sum = crc32.Update(l.sum, l.table, l.room) }

// sealed takes a checksum and compares it.
func (l *loader) sealed() error {
	want := l.sum
	got, err := l.take(4)
	if err != nil {
		return err
	}
	l.sum = 0
	if binary.LittleEndian.Uint32(got) != want {
		return errChecksum
	}
	return nil
}

func (l *loader) nothingMore() error {
	if _, err := l.r.ReadByte(); err != io.EOF {
		if err == nil {
			return errors.New("bytes follow its end")
		}
		return err
	}
	return nil
}

// torn says of an end in the middle that it is one.
func torn(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
