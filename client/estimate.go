package client

import (
	"time"

	"github.com/caucus-project/caucus/internal/lease"
)

// estimate is what a process knows of the ensemble's clock, from the round trips of its heartbeats: what a
// node told was so at some moment between the question and the answer. Microseconds throughout. It counts by
// CLOCK_BOOTTIME, which a suspension does not stop.
type estimate struct {
	known  bool
	offset int64 // from this process's clock to the ensemble's
	slack  int64 // by how much it may have been wrong when it was made: half the round trip
	made   int64 // when, by this process's clock
}

// drift is one part in so many by which the two clocks may go apart: the ensemble's is steered by a
// thousandth at most, and quartz is far better than that.
const drift = 500

// learn takes what a node told of the ensemble's clock, in answer to a question sent at one reading and
// answered at another. A slower round trip is of use only when the last good one is old, or cannot be true
// any more: CLOCK_BOOTTIME misses the time for which a virtual machine is stopped by its host.
func (e *estimate) learn(sent, got lease.Reading, told int64) {
	trip := max(0, got.Boot-sent.Boot)
	next := estimate{known: true, offset: told - got.Boot + trip/2, slack: trip/2 + 1, made: got.Boot}
	before, apart := e.within(got), next.offset-e.offset
	if !e.known || next.slack <= before || max(apart, -apart) > next.slack+before {
		*e = next
	}
}

// within gives by how much the estimate may be wrong at a reading.
func (e *estimate) within(at lease.Reading) int64 { return e.slack + max(0, at.Boot-e.made)/drift }

// Now gives the time on the ensemble's clock, by which votes and actions are timed, as a node has told it,
// and by how much that may have gone wrong on the way. It says no until the first heartbeat was answered.
func (s *Session) Now() (now time.Time, within time.Duration, ok bool) {
	at := s.c.cfg.clock()
	now, ok = s.ensembleTime(at.Boot)
	s.mu.Lock()
	defer s.mu.Unlock()
	return now, micros(s.ensemble.within(at)), ok
}

// ensembleTime gives the time on the ensemble's clock at a moment by CLOCK_BOOTTIME, and whether it is known.
func (s *Session) ensembleTime(boot int64) (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.UnixMicro(boot + s.ensemble.offset), s.ensemble.known
}
