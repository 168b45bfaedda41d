package tests

import (
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// A value changes behind a node's back while it is down, in a way that no checksum shows. Once the
// states are compared that node ends and says what to do; the others serve on (SAFETY A13).
func TestA13AlteredStateIsFound(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3, "--snapshot", "50")
	good, bad := list[:2], list[2]
	good[0].do("SET", "victim", "good")
	for range 120 {
		good[0].do("INCR", "n")
	}
	eventually(t, "a snapshot with the victim", func() bool { return bad.report().Saved > 50 })
	if sums := good[0].digests(); len(sums) != 3 || sums["n1"] != sums["n2"] || sums["n1"] != sums["n3"] {
		t.Fatalf("before anything is altered the digests are %v", sums)
	}
	bad.terminate()
	alter(t, bad.dir, "victim", "evil")
	bad.start()
	bad.do("SET", "back", "1") // so the leader has heard it
	sums := good[1].digests()
	if len(sums) != 3 || sums["n1"] != sums["n2"] || sums["n1"] == sums["n3"] {
		t.Fatalf("the digests are %v", sums)
	}
	if status, err := bad.now().Status(nodetest.Patience); err != nil || status != 1 {
		t.Fatalf("the altered node: status %d, %v", status, err)
	}
	bad.wantSaid("n3 has digest "+sums["n3"]+" (this node)", "n1 has digest "+sums["n1"],
		"move its data directory away")
	for _, s := range good {
		s.has("victim", "good")
	}
	good[0].do("SET", "victim", "better")
}

// digests gives the answer to ENSEMBLE DIGEST by node. All are of one entry.
func (s *server) digests() map[string]string {
	s.t.Helper()
	sums, index := map[string]string{}, any(nil)
	for _, row := range s.do("ENSEMBLE", "DIGEST").([]any) {
		cells := row.([]any)
		if sums[cells[0].(string)] = cells[2].(string); index != nil && index != cells[1] {
			s.t.Errorf("digests of the entries %v and %v", index, cells[1])
		}
		index = cells[1]
	}
	return sums
}

// alter changes a value in the newest snapshot of a node that is down.
func alter(t *testing.T, dir, key, value string) {
	t.Helper()
	home, err := datadir.Read(vfs.OS{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	log, found, err := raftlog.Open(vfs.OS{}, dir, raftlog.Options{Cluster: home.Cluster,
		Incarnation: home.Incarnation, MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := log.OpenSnapshot(found.Snapshot.GetIndex())
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine.Load(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	boot, _, number := m.Origin(1)
	e := &entry.Entry{Batches: []entry.Batch{{Node: 1, Boot: boot, Number: number + 1,
		Ops: []entry.Op{{Conn: 1, Args: caucus.Command{"SET", key, value}}}}}}
	if out, err := m.Apply(m.Index(), m.Term(), e, nobody{}); err != nil || out.Batches[0].Duplicate {
		t.Fatal("the state could not be altered", err)
	}
	if err := log.SaveSnapshot(found.Snapshot, m.View().Save); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// nobody is a host without clients.
type nobody struct{}

func (nobody) Steps(*entry.Batch) []entry.Step { return nil }
func (nobody) Send(*machine.Message)           {}
func (nobody) Panicked(string, any)            {}

func (nobody) Publish(string, string) int { return 0 }
