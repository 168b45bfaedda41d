package resp

// The hard limits. Who goes beyond one is not speaking RESP, or means harm: protocol error, and the
// connection is closed.
const (
	MaxLine  = 64 << 10  // bytes of an inline command, or of the line that announces a length
	MaxBulk  = 512 << 20 // bytes of one argument
	MaxArgs  = 1 << 20   // arguments of one command, its name among them
	MaxTotal = 1 << 30   // bytes of all arguments of one command; never a protocol error
)

// The settings that hold when Limits says nothing.
const (
	DefaultBulk  = 8 << 20
	DefaultTotal = 64 << 20
)

// Limits are the settings of one reader. A request over its setting but under the hard limit is read
// away without being kept: it gives an error, and what comes after it is read as if nothing had
// happened. Zero means the default; a setting above its hard limit means the hard limit.
type Limits struct {
	Bulk  int // bytes of one argument; default 8 MiB
	Args  int // arguments of one command; default and hard limit 1,048,576
	Total int // bytes of all arguments of one command; default 64 MiB, or twice Bulk when that is more
	// Budget is shared with other readers: what each holds beyond 64 KiB is counted there. Who needs more
	// than is left gets an error, as for a broken protocol. Nil: no bound.
	Budget *Budget
}

func (l Limits) withDefaults() Limits {
	l.Bulk = setting(l.Bulk, DefaultBulk, MaxBulk)
	l.Args = setting(l.Args, MaxArgs, MaxArgs)
	l.Total = setting(l.Total, max(DefaultTotal, 2*l.Bulk), MaxTotal)
	return l
}

func setting(value, byDefault, most int) int {
	if value <= 0 {
		value = byDefault
	}
	return min(value, most)
}

// What a connection that must still prove who it is may send, as in Redis: enough for HELLO and AUTH.
const (
	strangerArgs = 10
	strangerBulk = 16 << 10
)
