package raftlog_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

const sector = 512

// twoAppends gives a log's files before and after its last append, and the bytes of the segment that
// differ.
func twoAppends(t *testing.T, last string) (before, after tree, path string, from, to int) {
	t.Helper()
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	mustAppend(t, l, raftlog.Record{Entries: entries(1, 3), HardState: hard(1, 1, 2)})
	before = files(t, m)
	mustAppend(t, l, raftlog.Record{Entries: entries(4, 1)}, raftlog.Record{
		Entries: entriesOf(5, last)})
	after = files(t, m)
	path = only(t, m, "log")
	a, b := before[path], after[path]
	for from = 0; a[from] == b[from]; from++ {
	}
	for to = len(b); a[to-1] == b[to-1]; to-- {
	}
	return before, after, path, from, to
}

func open(fsys vfs.FS) (string, raftlog.Recovered, error) {
	l, r, err := raftlog.Open(fsys, dir, options)
	if err != nil {
		return "", r, err
	}
	return describe(r), r, l.Close()
}

func refuses(t *testing.T, all tree, what string) {
	t.Helper()
	state, _, err := open(all.disk(t))
	var bad *sealed.DamageError
	if !errors.As(err, &bad) {
		t.Fatalf("%s: want a DamageError, got %v %s", what, err, state)
	}
	if bad.File == "" || bad.Reason == "" || bad.Advice == "" {
		t.Fatalf("%s: the error does not say enough: %+v", what, bad)
	}
}

// Any set of sectors of the last append may be missing, each gives the log before it, and it takes
// appends.
func TestTornTailRepaired(t *testing.T) {
	for _, data := range []string{"short", strings.Repeat("x", 1200), strings.Repeat("\x00", 1800)} {
		before, after, path, from, to := twoAppends(t, data)
		want, _, err := open(before.disk(t))
		if err != nil {
			t.Fatal(err)
		}
		first, count := from/sector, (to-1)/sector-from/sector+1
		for missing := 1; missing < 1<<count; missing++ {
			b := bytes.Clone(after[path])
			for s := range count {
				if missing>>s&1 == 1 {
					at := (first + s) * sector
					copy(b[at:at+sector], before[path][at:])
				}
			}
			m := after.with(path, b).disk(t)
			got, r, err := open(m)
			if err != nil || got != want {
				t.Fatalf("sectors %b of %d missing: got %s (%v), want %s", missing, count, got, err, want)
			}
			if whole := missing == 1<<count-1; whole != (r.Repaired == "") {
				t.Fatalf("sectors %b of %d missing: repaired %q", missing, count, r.Repaired)
			}
			l, r := mustOpen(t, m)
			if r.Repaired != "" {
				t.Fatalf("repaired twice: %s", r.Repaired)
			}
			mustAppend(t, l, raftlog.Record{Entries: entries(4, 2)})
			mustClose(t, l)
			if _, r := mustOpen(t, m); len(r.Entries) != 5 {
				t.Fatalf("%d entries after the repair, not 5", len(r.Entries))
			}
		}
	}
}

// A torn frame is repaired only at the very end: with an append behind it, it was acknowledged.
func TestTornInTheMiddleRefused(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	for i := range uint64(4) {
		mustAppend(t, l, raftlog.Record{Entries: entriesOf(i+1, strings.Repeat("y", 600))})
	}
	all, path := files(t, m), only(t, m, "log")
	end := bytes.LastIndexByte(all[path], 'y')
	for at := sector; at+sector < end-700; at += sector {
		b := bytes.Clone(all[path])
		clear(b[at : at+sector])
		refuses(t, all.with(path, b), fmt.Sprintf("sector at %d lost", at))
	}
}

// Every single bit and every single byte that changes in what was acknowledged is refused, in the last
// frame too: cutting it off would forget an append.
func TestC5DamageThatIsNotTornRefused(t *testing.T) {
	for _, data := range []string{"short", strings.Repeat("x", 700), strings.Repeat("\x00", 1300)} {
		_, after, path, _, to := twoAppends(t, data)
		for at := range to {
			for _, flip := range []byte{1, 2, 4, 8, 16, 32, 64, 128, after[path][at]} {
				if flip == 0 {
					continue
				}
				b := bytes.Clone(after[path])
				b[at] ^= flip
				refuses(t, after.with(path, b), fmt.Sprintf("byte %d of %d changed by %x", at, to, flip))
			}
		}
	}
}

func TestDamagedFilesRefused(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	for i := range uint64(12) {
		mustAppend(t, l, raftlog.Record{Entries: entriesOf(i+1, strings.Repeat("z", 1000)),
			HardState: hard(1, 1, i)})
	}
	all := files(t, m)
	names, _ := m.ReadDir(filepath.Join(dir, "log"))
	if len(names) < 4 {
		t.Fatalf("only %d segments", len(names))
	}
	first, second := filepath.Join(dir, "log", names[0]), filepath.Join(dir, "log", names[1])
	newest := filepath.Join(dir, "log", names[len(names)-1])
	without := func(paths ...string) tree {
		next := all.with(paths[0], nil)
		for _, path := range paths {
			delete(next, path)
		}
		return next
	}
	b := bytes.Clone(all[second])
	at := bytes.LastIndexByte(b, 'z') - 400
	clear(b[at : at+400]) // torn, but not in the last segment
	for what, damaged := range map[string]tree{
		"an older segment torn":      all.with(second, b),
		"an older segment cut":       all.with(second, all[second][:1500]),
		"an older segment missing":   without(second),
		"the first segment missing":  without(first),
		"the newest segment missing": without(newest),
		"the newest two missing":     without(newest, filepath.Join(dir, "log", names[len(names)-2])),
		"the newest segment empty":   all.with(newest, nil),
		"the newest segment cut":     all.with(newest, all[newest][:len(all[newest])-sector]),
		"the newest in one of twice": all.with(newest, append(bytes.Clone(all[newest]), make([]byte, 4096)...)),
		"an empty segment":           all.with(second, nil),
		"a segment twice":            all.with(second, all[first]),
		"a byte behind the end":      all.with(second, append(bytes.Clone(all[second]), 1)),
	} {
		t.Run(what, func(t *testing.T) { refuses(t, damaged, what) })
	}
	lost := options
	lost.MustExist = true
	if _, _, err := raftlog.Open(vfs.NewMem(1), dir, lost); !errors.As(err, new(*sealed.DamageError)) {
		t.Fatalf("a lost log was founded anew: %v", err)
	}
	foreign := all.with(filepath.Join(dir, "log", "notes.txt"), []byte("hello"))
	if _, _, err := open(foreign.disk(t)); !errors.Is(err, sealed.ErrForeign) {
		t.Fatalf("a foreign file in the log: %v", err)
	}
}

func TestNewerFormatAndOtherIncarnationRefused(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	mustSnapshot(t, l, snapMeta(5, 1), []byte("state"))
	all := files(t, m)
	table := crc32.MakeTable(crc32.Castagnoli)
	for _, path := range []string{only(t, m, "log"), only(t, m, "snap")} {
		b := bytes.Clone(all[path])
		binary.LittleEndian.PutUint32(b[8:], 2)
		sum := crc32.Update(crc32.Checksum(b[:12], table), table, b[16:80])
		binary.LittleEndian.PutUint32(b[12:], sum)
		_, _, err := open(all.with(path, b).disk(t))
		if !errors.Is(err, sealed.ErrNewer) || !strings.Contains(err.Error(), path) {
			t.Fatalf("newer format: %v", err)
		}
	}
	other := options
	other.Incarnation = strings.Repeat("f", 32)
	_, _, err := raftlog.Open(all.disk(t), dir, other)
	if !errors.Is(err, sealed.ErrForeign) || !strings.Contains(err.Error(), incarnation) {
		t.Fatalf("other incarnation: %v", err)
	}
}

// After a failed write or sync nothing more is tried, whatever the disk says then (SAFETY B5).
func TestFailureIsForGood(t *testing.T) {
	broken := errors.New("input/output error")
	for _, kind := range []string{"write", "sync", "new segment"} {
		m := vfs.NewMem(1)
		l, _ := mustOpen(t, m)
		mustAppend(t, l, raftlog.Record{Entries: entries(1, 2)})
		fail := func(string) error { return broken }
		data := "small"
		switch kind {
		case "write":
			m.FailWrite = fail
		case "sync":
			m.FailSync = fail
		case "new segment":
			m.FailWrite, data = fail, strings.Repeat("x", 5000)
		}
		if err := l.Append([]raftlog.Record{{Entries: entriesOf(3, data)}}); !errors.Is(err, broken) {
			t.Fatalf("%s: %v", kind, err)
		}
		m.FailWrite, m.FailSync = nil, nil
		syncs := l.Stats().Syncs
		for range 2 {
			err := l.Append([]raftlog.Record{{Entries: entries(3, 1)}})
			if !errors.Is(err, broken) || l.Stats().Syncs != syncs {
				t.Fatalf("%s: a further append said %v", kind, err)
			}
		}
		if err := l.Close(); !errors.Is(err, broken) {
			t.Fatalf("%s: close said %v", kind, err)
		}
		m.Crash()
		if _, r := mustOpen(t, m); len(r.Entries) < 2 {
			t.Fatalf("%s: acknowledged entries are gone", kind)
		}
	}
}

// FuzzRecover opens arbitrary bytes as the last segment, and as what follows a good beginning.
func FuzzRecover(f *testing.F) {
	m := vfs.NewMem(1)
	l, _, err := raftlog.Open(m, dir, options)
	if err != nil {
		f.Fatal(err)
	}
	for i := range uint64(3) {
		if err := l.Append([]raftlog.Record{{Entries: entries(1, i+2), HardState: hard(i, 1, 0)}}); err != nil {
			f.Fatal(err)
		}
	}
	names, _ := m.ReadDir(filepath.Join(dir, "log"))
	path := filepath.Join(dir, "log", names[0])
	file, err := m.Open(path)
	if err != nil {
		f.Fatal(err)
	}
	good := make([]byte, 700)
	if _, err := file.ReadAt(good, 0); err != nil && err != io.EOF {
		f.Fatal(err)
	}
	f.Add(good, uint16(0))
	f.Add(good[200:], uint16(200))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1}, uint16(300))
	f.Fuzz(func(t *testing.T, b []byte, at uint16) {
		b = append(bytes.Clone(good[:int(at)%len(good)]), b...)
		b = append(b, make([]byte, max(0, int(options.SegmentSize)-len(b)))...) // the size is checked
		disk := tree{path: b}.disk(t)
		l, r, err := raftlog.Open(disk, dir, options)
		if err != nil {
			return
		}
		want := describe(r)
		mustClose(t, l)
		if got, _, err := open(disk); err != nil || got != want {
			t.Fatalf("opened once: %s\nopened again: %s %v", want, got, err)
		}
	})
}

// The last sector of a frame may hold a single byte of data; losing that byte is damage, not a torn
// tail.
func TestC5LastByteOfAFrame(t *testing.T) {
	for n := 200; n < 720; n++ {
		_, after, path, _, to := twoAppends(t, strings.Repeat("a", n))
		b := bytes.Clone(after[path])
		b[to-1] = 0
		refuses(t, after.with(path, b), fmt.Sprintf("the last byte at %d of a frame lost", to-1))
	}
}

// A length that was never written is the beginning of a torn append only if no whole append follows.
func TestLostLengthOfAnOlderAppendRefused(t *testing.T) {
	_, after, path, from, _ := twoAppends(t, strings.Repeat("b", 900))
	m := after.disk(t)
	l, _ := mustOpen(t, m)
	mustAppend(t, l, raftlog.Record{Entries: entriesOf(6, "acknowledged too")})
	b := files(t, m)[path]
	clear(b[from : (from/sector+1)*sector])
	refuses(t, after.with(path, b), "the length of an older append lost")
}

// A segment that ends with any of its frames is one that was cut, though what is left of it is whole.
func TestC5CutBetweenAppendsRefused(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	var ends []int
	for i := range uint64(5) {
		mustAppend(t, l, raftlog.Record{Entries: entriesOf(i+1, "acknowledged")})
		ends = append(ends, (sealed.TrimZeros(files(t, m)[only(t, m, "log")])+7)&^7)
	}
	all, path := files(t, m), only(t, m, "log")
	for _, end := range ends {
		refuses(t, all.with(path, all[path][:end]), fmt.Sprintf("cut at %d", end))
	}
}

// A process that dies between making a segment and saying so in the one before has lost nothing, and said
// nothing of what it wrote.
func TestADeathBetweenTwoSegments(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	first, second := only(t, m, "log"), false
	m.FailSync = func(path string) error {
		if second = second || strings.HasSuffix(path, ".log.tmp"); second && path == first {
			return errors.New("the power failed")
		}
		return nil
	}
	acknowledged, err := uint64(0), error(nil)
	for word := strings.Repeat("x", 400); err == nil; {
		err = l.Append([]raftlog.Record{{Entries: entriesOf(acknowledged+1, word)}})
		acknowledged++
	}
	acknowledged--
	if !second || acknowledged < 5 || !strings.Contains(err.Error(), "the power failed") {
		t.Fatalf("after %d appends it says %v", acknowledged, err)
	}
	m.FailSync = nil
	m.Crash()
	if _, r := mustOpen(t, m); uint64(len(r.Entries)) != acknowledged {
		t.Fatalf("%d entries of %d are there", len(r.Entries), acknowledged)
	}
}
