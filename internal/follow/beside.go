package follow

// beside knows the newest message that was handed out of each series, since a reader that goes on at another
// node may be told there what it was told already: each node hands a message out once, for itself.
type beside struct {
	// Those of the last generation, and of the one before. What was heard of in neither is too long ago for
	// one of its messages to be on its way.
	newest, before map[series]uint64
}

// series are the messages that are numbered together: of a sender's attachment, in a life of the group, to
// all or to the one who reads (SAFETY A11).
type series struct {
	part, life uint64
	all        bool
}

// generation is how many series one generation remembers.
const generation = 4096

// isNew says whether a message comes after all that were heard of its series, and takes note of it.
func (b *beside) isNew(h heard) bool {
	s := series{h.Part, h.Life, h.Kind == "all"}
	last, ok := b.newest[s]
	if !ok {
		last = b.before[s]
	}
	if h.N <= last {
		return false
	}
	if !ok && (b.newest == nil || len(b.newest) >= generation) {
		b.newest, b.before = map[series]uint64{}, b.newest
	}
	b.newest[s] = h.N
	return true
}
