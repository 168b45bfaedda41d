package machine

import "github.com/tidwall/btree"

// removalsKept is how many removals are remembered.
const removalsKept = 65_536

// removals remembers which keys were removed last, so that a transaction that watches an absent key can be
// sure that it was absent all the time (SAFETY B8). It holds hashes: two keys of one hash are taken for one,
// which at worst makes a client try again.
type removals struct {
	byRevision btree.Map[uint64, uint64] // revision of the removal to the key's hash
	byHash     btree.Map[uint64, uint64] // hash to the revision of its last removal
	forgotten  uint64                    // removals up to this revision may be missing
}

func (r *removals) copy() removals {
	return removals{byRevision: *r.byRevision.Copy(), byHash: *r.byHash.Copy(), forgotten: r.forgotten}
}

// note remembers a removal and forgets the oldest when there are too many. Of each key only the last counts.
func (r *removals) note(hash, revision uint64) {
	if earlier, ok := r.byHash.Set(hash, revision); ok {
		r.byRevision.Delete(earlier)
	}
	r.byRevision.Set(revision, hash)
	if r.byRevision.Len() > removalsKept {
		oldest, of, _ := r.byRevision.PopMin()
		r.byHash.Delete(of)
		r.forgotten = oldest
	}
}

// after says whether a key of that hash may have been removed after a revision.
func (r *removals) after(revision, hash uint64) bool {
	last, _ := r.byHash.Get(hash)
	return revision < r.forgotten || revision < last
}
