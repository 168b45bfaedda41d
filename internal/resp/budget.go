package resp

import "sync/atomic"

// Budget bounds what many connections hold together, beyond the little that each may hold in any case, so
// that many cannot do what one may not. Nil has no bound. Its methods may be called from several
// goroutines.
type Budget struct {
	size int64
	held atomic.Int64
}

// NewBudget gives a budget of so many bytes.
func NewBudget(bytes int64) *Budget { return &Budget{size: bytes} }

// Resize lets a holder have want bytes in place of those it has, and says whether it may; if not it keeps
// what it has. Less is always possible.
func (b *Budget) Resize(has *int, want int) bool {
	if more := int64(want - *has); b != nil && more != 0 {
		if now := b.held.Add(more); more > 0 && now > b.size {
			b.held.Add(-more)
			return false
		}
	}
	*has = want
	return true
}

// Fits says whether there is room for so many bytes more now.
func (b *Budget) Fits(more int) bool { return b == nil || b.held.Load()+int64(more) <= b.size }

// FreeBytes is what each that holds something may hold without being counted, so that whoever is polite is
// served however much others hold.
const FreeBytes = 64 << 10

// Holding is what one of the many holds. Only what is beyond FreeBytes counts against the budget. It is
// not for several goroutines at once.
type Holding struct {
	budget  *Budget
	counted int
}

// Holding gives a holding of nothing.
func (b *Budget) Holding() Holding { return Holding{budget: b} }

// Resize makes the holding one of so many bytes, and says whether it may be; if not it stays as it is.
func (h *Holding) Resize(bytes int) bool { return h.budget.Resize(&h.counted, max(0, bytes-FreeBytes)) }

// Fits says whether there is room now for the holding to have so many bytes.
func (h *Holding) Fits(bytes int) bool { return h.budget.Fits(bytes - FreeBytes - h.counted) }

// Release gives back all of it.
func (h *Holding) Release() { h.Resize(0) }

// Held gives how many bytes are held.
func (b *Budget) Held() int64 {
	if b == nil {
		return 0
	}
	return b.held.Load()
}
