package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
)

// Machine is the state and the rules by which entries change it. It is used by one goroutine.
type Machine struct {
	state
	table  *command.Table
	writes map[string]write
	reads  map[string]read
	notes  map[string]write
	rows   []handler // of the rows of the table, by their places, so that no name is looked up for each command
	// supports is the highest feature level of this version (SAFETY B20).
	supports uint16

	host   Host   // around the entry that is being applied
	out    Output // of that entry
	now    int64  // its stamp, microseconds
	rng    draw   // seeded by the entry
	work   effort // for what changes the state in it
	looked effort // for the reads of the batch, which only the node of its client answers

	counts    Counts
	ready     []string        // keys that were given what others wait for
	readyOnce map[string]bool // the same, each once
	changes   []change        // of membership, whose consequences finish draws
	changeOf  map[string]int  // group to its place in changes
}

// write carries out a command that changes the state. It checks everything before it changes anything.
type write func(c *call) caucus.Reply

// read answers a command from a state that it must not change.
type read func(q *query) caucus.Reply

// handler is who carries out a row of the table.
type handler struct {
	write write
	read  read
}

// query is a command to be answered from a state.
type query struct {
	s    *state
	op   *entry.Op
	args caucus.Command
	now  int64 // the ensemble's clock as far as the caller knows it, microseconds
	// local says that the answer may be stale, so it hides keys that the node's own estimate of the clock
	// says are over; a linearizable read never does (SAFETY B11).
	local bool
	host  Host
	// work counts what is done to answer; of the reads of a pipeline it is one.
	work *effort
	// trusted says that a custom command asks, and not its client.
	trusted bool
	// place is that in a transaction, or in a custom command, from 1 on; 0 for what stands in none.
	place uint64
}

// call is a command that may change the state.
type call struct {
	query
	m      *Machine
	node   uint64     // raft id of the node where the client sits
	boot   entry.Boot // of that node
	attach uint64     // set by what opens or resumes a session
	here   bool       // the client sits on this node
	alone  bool       // it stands in no transaction, so it may wait
}

// Output is what an entry came to, beside the changed state.
type Output struct {
	// Batches has an item for each batch of the entry, in order.
	Batches []BatchResult
	// Events of groups, in order.
	Events []entry.Event
	// Waits are the waits in line that ended, on all nodes.
	Waits []WaitEnd
	// Sessions and Groups name what the leader's clocks must look at again: sessions opened, resumed,
	// dropped, marked or ended, groups with something revoked, granted or settled. May hold duplicates.
	Sessions []entry.Session
	Groups   []string
	// Digest says that the state as it is after this entry is to be hashed, Digests that the hashes of all
	// nodes were logged (SAFETY A13).
	Digest, Digests bool
}

// BatchResult is what one batch came to.
type BatchResult struct {
	Node      uint64
	Boot      entry.Boot
	Number    uint64
	Duplicate bool           // it had been applied before, or its boot is over; nothing was done
	Results   []entry.Result // one per step, when the host knew the batch
}

// Counts say what has ended, for those who watch over a node. They are not part of the state.
type Counts struct {
	Lost, Expired, Removed, Closed uint64 // sessions, by the reason for which they ended
	Keys                           uint64 // keys that expired
}

// Counts gives what has ended since the machine was made, or as SetCounts said.
func (m *Machine) Counts() Counts { return m.counts }

// SetCounts lets the counts begin at c.
func (m *Machine) SetCounts(c Counts) { m.counts = c }

// Host is what the machine asks of the node around it while it applies entries and answers reads.
type Host interface {
	// Steps gives the steps, reads included, of a batch whose clients sit on this node, nil for any other.
	Steps(b *entry.Batch) []entry.Step
	// Publish sends a message of a client of this node to all subscribers and says how many are on this node.
	Publish(channel, payload string) int
	// Send hands a message of a client of this node to those for whom it is, on all nodes.
	Send(m *Message)
	// Panicked hears that the function of a custom command has panicked, and with what. It is called while
	// the function's stack is still there to be read.
	Panicked(command string, with any)
}

// New gives the empty state of an ensemble founded at stamp (microseconds since 1970).
func New(cluster [16]byte, stamp int64) *Machine {
	m := &Machine{state: state{cluster: cluster, stamp: stamp, nextNode: 1,
		digests: digests{stamp: stamp}}}
	m.keys = newKeyspace(cluster)
	m.deadlines = newDeadlines()
	m.limits = limits{value: defaultValue, reply: defaultReply, sessions: defaultSessions,
		groups: defaultGroups, members: defaultMembers}
	m.prepare()
	return m
}

// prepare makes what is not replicated: the tables of handlers.
func (m *Machine) prepare() {
	m.table, m.supports = command.New(), Supported
	m.changeOf = map[string]int{}
	m.writes, m.reads, m.notes = map[string]write{}, map[string]read{}, map[string]write{}
	m.keyCommands()
	m.stringCommands()
	m.hashCommands()
	m.setCommands()
	m.listCommands()
	m.popCommands()
	m.zsetCommands()
	m.sessionCommands()
	m.groupCommands()
	m.voteCommands()
	m.lockCommands()
	m.settingCommands()
	m.userCommands()
	m.internalCommands()
	m.assign()
}

// assign gives each row of the table its handler.
func (m *Machine) assign() {
	m.rows = make([]handler, len(m.table.All()))
	for i, spec := range m.table.All() {
		m.rows[i] = handler{m.writes[spec.Name], m.reads[spec.Name]}
	}
}

// handler gives who carries out a row, or what a node reports.
func (m *Machine) handler(spec *command.Spec) handler {
	if spec.Name[0] == '.' {
		return handler{m.writes[spec.Name], m.reads[spec.Name]}
	}
	return m.rows[spec.Place()]
}

// Cluster gives the ensemble's random id.
func (s *state) Cluster() [16]byte { return s.cluster }

// Index gives the index of the last entry applied.
func (s *state) Index() uint64 { return s.index }

// Term gives the raft term of the last entry applied.
func (s *state) Term() uint64 { return s.term }

// Stamp gives the ensemble's clock at the last entry, in microseconds since 1970.
func (s *state) Stamp() int64 { return s.stamp }

// ClockBegun gives the term in which the ensemble's clock was last begun anew, 0 before it ever was.
func (s *state) ClockBegun() uint64 { return s.begun }

// Counter gives the last term, epoch, attachment or revision handed out.
func (s *state) Counter() uint64 { return s.counter }

// Origin says how far the stream of batches of a node has been applied.
func (s *state) Origin(node uint64) (boot entry.Boot, term, number uint64) {
	o, _ := s.origins.Get(node)
	return o.Boot, o.Term, o.Number
}

// draw is the machine's own small generator, so that what an entry's seed gives is the same in every version
// (SAFETY B9). It is SplitMix64 (Steele, Lea, Flood 2014).
type draw uint64

func (d *draw) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
