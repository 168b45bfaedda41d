package raftlog_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/snapfile"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/tool"
)

// FuzzDamage changes some bytes of a good directory, several segments and a snapshot: each three bytes of
// the damage say where, and what is put there; behind them is how much is cut off. It proves that the
// directory is refused by an error that says what is damaged, or that nothing is lost: at most the last
// append, which nobody may have been told of, as after a loss of power; or the snapshot, which the log
// stands in for.
func FuzzDamage(f *testing.F) {
	m := vfs.NewMem(1)
	l, _, err := raftlog.Open(m, dir, options)
	if err != nil {
		f.Fatal(err)
	}
	var states []string // as they are after each append
	for i := range uint64(6) {
		if i == 3 {
			mustSnapshot(f, l, snapMeta(3, 1), bytes.Repeat([]byte("state"), 50))
		}
		mustAppend(f, l, raftlog.Record{Entries: entriesOf(i+1, strings.Repeat("d", 300*int(i))),
			HardState: hard(1, 1, i)})
		state, _, err := open(files(f, m).disk(f))
		if err != nil {
			f.Fatal(err)
		}
		states = append(states, state)
	}
	good := files(f, m)
	paths := slices.Sorted(maps.Keys(good))
	bare := maps.Clone(good)
	maps.DeleteFunc(bare, func(path string, _ []byte) bool { return strings.HasSuffix(path, ".snap") })
	logAlone, _, err := open(bare.disk(f))
	if err != nil {
		f.Fatal(err)
	}
	for i := range paths {
		f.Add(uint8(i), []byte{0, 100, 1}, uint16(0))
		f.Add(uint8(i), []byte{0, 200, 0, 0, 201, 0, 1, 50, 0xff}, uint16(10))
		f.Add(uint8(i), []byte{}, uint16(600))
	}
	f.Fuzz(func(t *testing.T, which uint8, damage []byte, cut uint16) {
		path := paths[int(which)%len(paths)]
		b := bytes.Clone(good[path])
		for ; len(damage) >= 3 && len(b) > 0; damage = damage[3:] {
			b[(int(damage[0])<<8+int(damage[1]))%len(b)] = damage[2]
		}
		b = b[:max(0, len(b)-int(cut))]
		disk := good.with(path, b).disk(t)
		var state string
		var err error
		tool.AtMost(t, 1<<20, func() { state, _, err = open(disk) })
		var bad *sealed.DamageError
		switch last := len(states) - 1; {
		case errors.As(err, &bad):
			if bad.Reason == "" || bad.Advice == "" || !strings.Contains(err.Error(), filepath.Base(bad.File)) {
				t.Errorf("it does not say enough: %v", err)
			}
		case errors.Is(err, sealed.ErrNewer), errors.Is(err, sealed.ErrForeign):
		case err != nil:
			t.Errorf("%s: %v", path, err)
		case state == states[last], state == states[last-1], state == logAlone && strings.HasSuffix(path, ".snap"):
		default:
			t.Errorf("%s: %s\nwas\n%s", path, state, states[last])
		}
	})
}

// FuzzSnapshotFile reads any bytes as the file of a snapshot, behind a good beginning, and proves that
// they are refused unless they are those that were written.
func FuzzSnapshotFile(f *testing.F) {
	const path = "/data/snap/s"
	origin := sealed.Origin{Cluster: cluster, Incarnation: incarnation}
	m := vfs.NewMem(1)
	if err := m.MkdirAll(filepath.Dir(path)); err != nil {
		f.Fatal(err)
	}
	w, err := snapfile.Create(m, path, origin, snapMeta(5, 2))
	if err != nil {
		f.Fatal(err)
	}
	data := bytes.Repeat([]byte("what is kept"), 100)
	if _, err := w.Write(data); err != nil {
		f.Fatal(err)
	}
	if err := w.Finish(); err != nil {
		f.Fatal(err)
	}
	good, err := sealed.ReadFile(m, path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(0), good)
	f.Add(uint16(80), good[80:])
	f.Add(uint16(200), good[100:])
	f.Add(uint16(80), []byte{0xff, 0xff, 0xff, 0x3f, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, at uint16, rest []byte) {
		b := append(bytes.Clone(good[:int(at)%(len(good)+1)]), rest...)
		disk := tree{path: b}.disk(t)
		tool.AtMost(t, 256<<10+4*len(b), func() {
			r, err := snapfile.Open(disk, path, origin)
			if err != nil {
				return
			}
			defer r.Close()
			if got, err := io.ReadAll(r); err == nil && !bytes.Equal(got, data) {
				t.Errorf("%d bytes were read as a snapshot of %q", len(b), got)
			}
		})
	})
}
