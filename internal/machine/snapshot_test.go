package machine

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/tool"
)

// full gives a machine with something in every section.
func full(t testing.TB) *Machine {
	m := New([16]byte{7}, 1_700_000_000_000_000)
	n := Node{ID: 1, Name: "n1", Client: "host:5010", Boots: 0}
	if !m.Admit(1, 1, n) {
		t.Fatal("the node was not admitted")
	}
	m.Admit(1, 1, Node{ID: 2, Name: "n2"})
	m.Dismiss(1, 1, 2)
	n.Boot, n.Boots = entry.Boot{3}, 1
	ops := []entry.Op{Boot(n)}
	for _, line := range []string{
		"SET plain value", "SET ends soon EX 10", "SET gone x", "DEL gone", "GROUP JOIN work AS me",
		"VOTE CALL work what", "GROUP JOIN shared SETTLE 0 SLOTS 8 HEARTBEAT 1000", "GROUP RELEASE shared 3",
		"CONFIG SET maxmemory 1gb max-elements 1000 max-key-bytes 1001 max-value-bytes 1002",
		"CONFIG SET notify-keyspace-events KEA", "BLMPOP 0 2 awaited also RIGHT COUNT 2",
	} {
		ops = append(ops, entry.Op{Bound: true, Fresh: entry.Session{9}, Args: strings.Fields(line)})
	}
	ops = append(ops, SetUser("", "alice", []string{"on", "~app:*", "+@read"}),
		SetUser("", "bob", []string{"nopass"}))
	e := &entry.Entry{Stamp: 1_700_000_001_000_000, Notes: []entry.Op{Reserve("n2", "host:5020")},
		Batches: []entry.Batch{{Node: 1, Boot: n.Boot, Number: 1, Ops: ops}}}
	out, err := m.Apply(2, 1, e, deaf{})
	if err != nil || out.Batches[0].Duplicate {
		t.Fatal(err, out)
	}
	hasAll(t, m)
	return m
}

// hasAll sees that each section has in it what full makes.
func hasAll(t testing.TB, m *Machine) {
	t.Helper()
	if len(m.users.Listed()) != 2 ||
		m.sessions.Len() != 1 || m.groups.Len() != 2 || m.origins.Len() != 1 || m.nodes.Len() != 1 ||
		m.reserved.Len() != 1 || m.leaving.Len() != 1 || m.keys.count != 2 || m.keys.byHash.Len() != 1 ||
		m.history.count != 4 || m.pops.waits.Len() != 1 || m.pops.places.Len() != 2 {
		t.Fatal("a section is empty")
	}
}

// deaf is a host without clients.
type deaf struct{}

func (deaf) Steps(*entry.Batch) []entry.Step { return nil }
func (deaf) Publish(string, string) int      { return 0 }
func (deaf) Send(*Message)                   {}
func (deaf) Panicked(string, any)            {}

func save(t testing.TB, m *Machine) []byte {
	var b bytes.Buffer
	if err := m.View().Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func load(data []byte) (*Machine, error) { return Load(bytes.NewReader(data)) }

func TestSnapshotHoldsEverything(t *testing.T) {
	m := full(t)
	data := save(t, m)
	again, err := load(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(save(t, again), data) {
		t.Error("saved again it differs")
	}
	hasAll(t, again)
	if a, b := m.state, again.state; a.cluster != b.cluster || a.level != b.level || a.index != b.index ||
		a.term != b.term || a.stamp != b.stamp || a.begun != b.begun ||
		a.counter != b.counter || a.nextNode != b.nextNode || a.limits != b.limits || a.limits.memory != 1<<30 ||
		a.notify != b.notify {
		t.Errorf("loaded: %+v", b)
	}
	if a, b := m.deadlines.Items(), again.deadlines.Items(); !slices.Equal(a, b) || len(a) != 2 {
		t.Errorf("deadlines %v, loaded %v", a, b)
	}
	if a, b := &m.keys, &again.keys; a.count != b.count || a.expiring != b.expiring || a.memory != b.memory {
		t.Errorf("%d keys, %d expiring, %d bytes; loaded %d, %d, %d",
			a.count, a.expiring, a.memory, b.count, b.expiring, b.memory)
	}
	a, b := &m.history, &again.history
	if !slices.Equal(a.kept(), b.kept()) || a.floor != b.floor || a.bytes != b.bytes {
		t.Errorf("history %v, loaded %v", a.kept(), b.kept())
	}
	one, err1 := m.View().Digest()
	two, err2 := again.View().Digest()
	if one != two || err1 != nil || err2 != nil {
		t.Error("the digests differ", err1, err2)
	}
	again.put(wordSet, "plain", text("other"), 0)
	if two, _ := again.View().Digest(); one == two {
		t.Error("another state has the same digest")
	}
}

// Machines that go on from a snapshot and those that never stopped do the same.
func TestSnapshotGoesOnAlike(t *testing.T) {
	m := full(t)
	again, err := load(save(t, m))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []*Machine{m, again} {
		ops := []entry.Op{{Args: caucus.Command{"INCR", "n"}}, {Args: caucus.Command{"GET", "ends"}}}
		e := &entry.Entry{Stamp: 1_700_000_020_000_000,
			Batches: []entry.Batch{{Node: 1, Boot: entry.Boot{3}, Number: 2, Ops: ops}}}
		if _, err := x.Apply(3, 1, e, deaf{}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(save(t, m), save(t, again)) {
		t.Error("the states differ")
	}
	if _, ok := again.keys.find("ends"); ok {
		t.Error("a key did not expire after it was loaded")
	}
}

func TestLoadRefusesEveryDamage(t *testing.T) {
	data := save(t, full(t))
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 0x10
		if _, err := load(damaged); err == nil {
			t.Errorf("byte %d is damaged, and it loads", i)
		}
		if _, err := load(data[:i]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: %v", i, err)
		}
	}
	if _, err := load(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a byte follows, and it loads")
	}
	gone := iotest.ErrReader(errors.New("the disk is gone"))
	failing := io.MultiReader(bytes.NewReader(data[:len(data)/2]), gone)
	if _, err := Load(failing); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("a read that fails: %v", err)
	}
}

// compose makes a snapshot of rows, whole as far as checksums go.
func compose(level uint16, parts []section, rows func(name string) []string) []byte {
	var b bytes.Buffer
	s := &saver{w: &b, table: crc32.MakeTable(crc32.Castagnoli)}
	s.header(level)
	for _, part := range parts {
		s.begin(part.name, part.version)
		for _, row := range rows(part.name) {
			s.row(nil, row)
		}
		s.end()
	}
	return b.Bytes()
}

// rowsOf takes the rows out of a snapshot.
func rowsOf(t testing.TB, data []byte) func(string) []string {
	all := map[string][]string{}
	l := &loader{r: bufio.NewReader(bytes.NewReader(data)), table: crc32.MakeTable(crc32.Castagnoli)}
	if err := l.header(&state{}, entry.Level); err != nil {
		t.Fatal(err)
	}
	for _, part := range sections(entry.Level) {
		part.load = func(r *fields.Reader, _ *state) error {
			all[part.name] = append(all[part.name], r.Take(r.Len()))
			return nil
		}
		if err := l.section(part, nil); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) []string { return all[name] }
}

func TestLoadSaysWhatItDoesNotKnow(t *testing.T) {
	rows := rowsOf(t, save(t, full(t)))
	newer := func(change func(all []section) []section) []byte {
		return compose(entry.Level, change(sections(entry.Level)), rows)
	}
	with := func(name string, own ...string) []byte {
		return compose(entry.Level, sections(entry.Level), func(section string) []string {
			if section == name {
				return own
			}
			return rows(section)
		})
	}
	format := bytes.Clone(save(t, full(t)))
	format[len(snapshotMagic)]++
	head := len(snapshotMagic) + 3
	copy(format[head:], binary.LittleEndian.AppendUint32(nil,
		crc32.Checksum(format[:head], crc32.MakeTable(crc32.Castagnoli))))
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"nothing", "unexpected EOF", nil},
		{"something else", "this is not a snapshot of caucus", []byte("%PDF-1.7 is not what it is")},
		{"format", "it has format 2, this version reads 1", format},
		{"level", "it needs feature level", compose(entry.Level+1, sections(entry.Level), rows)},
		{"section", `it has a section "polls", which this version does not know`,
			newer(func(all []section) []section {
				return slices.Insert(all, 3, section{name: "polls", version: 1})
			})},
		{"section version", "section keys has version 9, this version reads 2",
			newer(func(all []section) []section {
				all[3].version = 9
				return all
			})},
		{"order", "section origins stands where nodes should", newer(func(all []section) []section {
			all[1], all[2] = all[2], all[1]
			return all
		})},
		{"no meta", "section meta has 0 rows instead of 1", with("meta")},
		{"two metas", "section meta has more than 1 rows", with("meta", rows("meta")[0], rows("meta")[0])},
		{"rows in the end", "section end has more than 0 rows", with("end", "x")},
		{"type", "a value of type 99, which this version does not know", with("keys", "\x63"+rows("keys")[0][1:])},
		{"same key twice", "the keys are not in order", with("keys", rows("keys")[0], rows("keys")[0])},
		{"keys turned round", "the keys are not in order", with("keys", rows("keys")[1], rows("keys")[0])},
		{"end out of range", "a key's end is out of range",
			with("keys", "\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01k")},
		{"a way to change", "a key was changed in a way 200, which this version does not know",
			with("history", "\xc8"+rows("history")[0][1:])},
		{"same change twice", "a change has the revision", with("history", rows("history")[0], rows("history")[0])},
		{"a change to come", "a change has the revision 1000000", with("history", "\x01\xc0\x84\x3dk")},
		{"a key too much", "there are more changes than are kept",
			with("history", rows("history")[0], rows("history")[1]+strings.Repeat("k", changeBytes))},
		{"short row", "the bytes end in the middle of a field", with("keys", "\x01")},
		{"long row", "bytes too many", with("nodes", rows("nodes")[0]+"x")},
	} {
		if _, err := load(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestLoadAsksForMemoryOnlyAsBytesCome(t *testing.T) {
	rows := rowsOf(t, save(t, full(t)))
	data := compose(entry.Level, sections(entry.Level)[:3], rows)
	data = append(fields.String(data, "keys"), 1)
	data = binary.AppendUvarint(data, maxRow) // a row of a gigabyte, of which nothing comes
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := load(data); err == nil {
				b.Error("it loads")
			}
		}
	})
	if r.N == 0 || r.AllocedBytesPerOp() > 4<<20 {
		t.Errorf("%d bytes were asked for", r.AllocedBytesPerOp())
	}
	if _, err := load(binary.AppendUvarint(data, 1<<62)); err == nil {
		t.Error("it loads")
	}
}

func TestSaveOfALongValue(t *testing.T) {
	m := full(t)
	m.put(wordSet, "long", text(strings.Repeat("0123456789", saveBuffer)), 0)
	data := save(t, m)
	again, err := load(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(save(t, again), data) {
		t.Error("saved again it differs")
	}
}

func TestSaveReportsAFailedWrite(t *testing.T) {
	gone := errors.New("the disk is gone")
	if err := full(t).View().Save(failing{gone}); !errors.Is(err, gone) {
		t.Errorf("Save: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// FuzzLoadSnapshot gives any bytes.
func FuzzLoadSnapshot(f *testing.F) {
	data := save(f, full(f))
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add(save(f, collected(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m *Machine
		var err error
		tool.AtMost(t, 4<<20+200*len(data), func() { m, err = load(data) })
		if err == nil && !bytes.Equal(save(t, m), data) {
			t.Error("what loads is not what would be saved")
		}
	})
}

// FuzzLoadRows gives any rows under right checksums.
func FuzzLoadRows(f *testing.F) {
	rows := rowsOf(f, save(f, full(f)))
	for i, part := range sections(entry.Level)[:11] {
		f.Add(uint8(i), rows(part.name)[0])
	}
	for _, row := range rowsOf(f, save(f, collected(f)))("keys") {
		f.Add(uint8(3), row)
	}
	f.Fuzz(func(t *testing.T, which uint8, row string) {
		m, err := load(compose(entry.Level, sections(entry.Level), func(name string) []string {
			if all := sections(entry.Level); all[int(which)%len(all)].name == name {
				return []string{row}
			}
			return rows(name)
		}))
		if err != nil {
			return
		}
		first := save(t, m)
		again, err := load(first)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(save(t, again), first) {
			t.Error("saved again it differs")
		}
	})
}
