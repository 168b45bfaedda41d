package sim

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// damageFaults are what a disk may do to what was written long ago, or its owner.
func damageFaults() []faultKind {
	return []faultKind{
		{"a disk changes or loses files", (*fault).damage},
		{"a directory is put back", (*fault).putBack},
	}
}

// harm is one way in which files are changed. It says which it was, "" if there is nothing that it could do.
type harm func(d dice, all files) string

var harms = []harm{changeByte, changeByte, changeByte, cutFile, cutFile, loseFile, loseFile, loseFolder,
	loseEverything, mixUp}

// files are those of a directory, by path.
type files map[string][]byte

func (all files) in(folder string) []string {
	paths := slices.Sorted(maps.Keys(all))
	return slices.DeleteFunc(paths, func(path string) bool { return !strings.Contains(path, "/"+folder+"/") })
}

// one draws a file, the newest of its folder as often as all others together.
func (all files) one(d dice) string {
	list := all.in(pick(d, []string{"log", "log", "snap"}))
	if len(list) > 0 && d.chance(50) {
		return list[len(list)-1]
	}
	return pick(d, list)
}

func changeByte(d dice, all files) string {
	path := all.one(d)
	used := sealed.TrimZeros(all[path])
	if used == 0 {
		return ""
	}
	at := d.below(used)
	all[path][at] ^= 1 << d.below(8)
	return fmt.Sprintf("byte %d of %s is changed", at, path)
}

func cutFile(d dice, all files) string {
	path := all.one(d)
	if len(all[path]) == 0 {
		return ""
	}
	size := d.below(len(all[path]))
	if d.chance(50) {
		size = min(size, sealed.TrimZeros(all[path]))
	}
	all[path] = all[path][:size]
	return fmt.Sprintf("%s is cut after byte %d", path, size)
}

func loseFile(d dice, all files) string {
	path := all.one(d)
	if path == "" {
		return ""
	}
	delete(all, path)
	return path + " is lost"
}

func loseFolder(d dice, all files) string {
	folder := pick(d, []string{"log", "snap"})
	for _, path := range all.in(folder) {
		delete(all, path)
	}
	return "all in " + folder + " is lost"
}

func loseEverything(_ dice, all files) string {
	clear(all)
	return "everything is lost"
}

func mixUp(d dice, all files) string {
	list := all.in("log")
	a, b := pick(d, list), pick(d, list)
	if a == b {
		return ""
	}
	all[a] = bytes.Clone(all[b])
	return fmt.Sprintf("%s holds what %s does", a, b)
}

// harmed is what was done to a node's disk, and what it had before.
type harmed struct {
	how string
	had contents
}

// contents are what a log says when it is opened.
type contents struct {
	term, vote     uint64
	snapshot, last uint64
	sum            uint64 // of the entries behind the snapshot
}

// contentsOf reads what was found, as far as it is behind a snapshot.
func contentsOf(hard *pb.HardState, snap *pb.SnapshotMetadata, list []*pb.Entry, behind uint64) contents {
	c := contents{term: hard.GetTerm(), vote: hard.GetVote(), snapshot: snap.GetIndex(), last: snap.GetIndex()}
	h := fnv.New64a()
	for _, e := range list {
		c.last = e.GetIndex()
		if c.last > behind {
			fmt.Fprint(h, e.GetTerm(), e.GetIndex(), e.GetType(), e.GetData())
		}
	}
	c.sum = h.Sum64()
	return c
}

// damage changes the files of a node that is down. When it starts it must not have forgotten anything.
func (f *fault) damage() {
	n, do := f.expendable(), pick(f, harms)
	if n == nil {
		return
	}
	n.stop(f.chance(50), f.chance(50))
	all, had, err := n.disk.read()
	if err != nil {
		f.w.fail("%s cannot start: %v", n.name, err)
		return
	}
	how := do(f.dice, all)
	f.tell("%s is down, and on its disk %s", n.name, cmp.Or(how, "nothing happens"))
	n.disk.fill(all)
	n.harmed = &harmed{how, had}
	n.awaited(f.while(1))
}

// awaited keeps the operator busy until a node has started again, or has been replaced.
func (n *node) awaited(down int64) {
	w := n.w
	w.operator.busy = "repair of " + n.name
	w.after(down, func() {
		if n.startAgain(); n.retired && w.operator.busy == "repair of "+n.name {
			w.operator.busy = ""
		}
	})
}

// survives says whether a node goes on with what it has found on a harmed disk. It may if nothing is missing;
// else it must have said which file is to blame, and is replaced.
func (n *node) survives(restored *replica.Restored, err error) bool {
	w, h := n.w, n.harmed
	n.harmed = nil
	found := contentsOf(restored.HardState, restored.Snapshot, restored.Entries, h.had.snapshot)
	var bad *sealed.DamageError
	switch {
	case err == nil && found.term == h.had.term && found.vote == h.had.vote && found.last == h.had.last &&
		found.sum == h.had.sum:
		w.checks.count("damage without a loss")
		w.operator.busy = ""
		return true
	case err == nil:
		w.fail("SAFETY C5: %s had %+v and starts with %+v, after %s", n.name, h.had, found, h.how)
	case !errors.As(err, &bad) && !errors.Is(err, sealed.ErrForeign) && !errors.Is(err, sealed.ErrNewer):
		w.fail("SAFETY C5: after %s %s says only: %v", h.how, n.name, err)
	default:
		w.note(n.name, "refuses its directory")
		w.checks.count("damage refused")
		n.disk.stop(false)
		n.replace()
	}
	return false
}

// read gives the files of a node that is down as they are once its log has been opened, which undoes a torn
// append, and what they say.
func (d *disk) read() (files, contents, error) {
	copied := disk{n: d.n, mem: d.mem, used: d.used}
	all, err := filesOf(d.mem)
	if err != nil {
		return nil, contents{}, err
	}
	copied.fill(all)
	log, found, err := raftlog.Open(copied.mem, dataDir, copied.options())
	if err == nil {
		err = log.Close()
	}
	if err != nil {
		return nil, contents{}, err
	}
	all, err = filesOf(copied.mem)
	return all, contentsOf(found.HardState, found.Snapshot, found.Entries, found.Snapshot.GetIndex()), err
}

func filesOf(mem *vfs.Mem) (files, error) {
	all := files{}
	for _, folder := range []string{"log", "snap"} {
		names, err := mem.ReadDir(filepath.Join(dataDir, folder))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			path := filepath.Join(dataDir, folder, name)
			if all[path], err = sealed.ReadFile(mem, path); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// fill makes the disk a new one with these files.
func (d *disk) fill(all files) {
	d.mem = vfs.NewMem(d.n.w.rng.Uint64())
	var failed error
	for _, folder := range []string{"log", "snap"} {
		failed = errors.Join(failed, d.mem.MkdirAll(filepath.Join(dataDir, folder)))
	}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		failed = errors.Join(failed, sealed.WriteFile(d.mem, path, all[path], 0))
	}
	if failed != nil {
		d.n.w.fail("the disk of %s cannot be filled: %v", d.n.name, failed)
	}
}

// putBack restores a node's directory to what it was at an earlier start (SAFETY B19).
func (f *fault) putBack() {
	n := f.expendable()
	if n == nil {
		return
	}
	w, later := f.w, f.between(100*millisecond, second)
	down, again := f.between(millisecond, 100*millisecond), f.between(millisecond, 100*millisecond)
	n.stop(f.chance(50), false)
	old, _, err := n.disk.read()
	if err != nil {
		w.fail("%s cannot start: %v", n.name, err)
		return
	}
	boots := n.boots
	n.awaited(down)
	w.after(later, func() {
		if n.retired || w.calm {
			w.operator.busy = ""
			return
		}
		f.tell("the directory of %s is put back to what it was at its start %d of %d", n.name, boots, n.boots)
		n.stop(false, false)
		n.former = &former{boots, old}
		n.awaited(again)
	})
}

// former is what a node's directory was once.
type former struct {
	boots uint64
	files files
}

// turnedAway starts a node from its former directory and says whether one of those whom it meets knows of a
// later start. When none does nobody could tell that it has forgotten what it acknowledged, so then it starts
// from what it has.
func (n *node) turnedAway() bool {
	w, f := n.w, n.former
	n.former = nil
	if !n.isKnown(f.boots + 1) {
		w.operator.busy = ""
		return false
	}
	n.disk.fill(f.files)
	n.boots = f.boots
	if _, err := n.disk.open(); err != nil {
		if n.former = f; n.outdated(err) {
			return true // the next version finds the same directory
		}
		w.fail("%s cannot start from a former directory: %v", n.name, err)
		return true
	}
	if n.boots++; !n.isKnown(n.boots) {
		return false
	}
	w.note(n.name, "is an old copy")
	w.checks.count("old copies turned away")
	n.disk.stop(false)
	n.replace()
	return true
}

// isKnown says whether a peer that the node can reach knows of that start of it, or a later one.
func (n *node) isKnown(boots uint64) bool {
	return slices.ContainsFunc(n.w.up(), func(other *node) bool {
		record, _ := other.r.State().Node(n.id)
		return n.w.net.both(n.id, other.id) && max(record.Boots, other.met[n.id]) >= boots
	})
}
