package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

// keep sends heartbeats until the session is over. It begins at once, since a belief begins with a promise.
func (s *Session) keep() {
	ctx := s.life
	defer func() {
		forAll(s.debtors(), (*Member).letGo)
		forAll(s.all(), (*Member).letGoSlots)
	}()
	var wait pause
	for ctx.Err() == nil {
		if err := s.beat(ctx); err == nil {
			wait = pause{}
			s.rest(ctx)
			continue
		}
		s.tellLapse()
		if wait.wait(ctx) != nil {
			return
		}
	}
}

// rest waits until the next heartbeat is due or worth while. A belief that ends meanwhile is told.
func (s *Session) rest(ctx context.Context) {
	now := s.c.cfg.clock()
	s.mu.Lock()
	due := s.lease.NextHeartbeat(now)
	s.mu.Unlock()
	timer := time.NewTimer(time.Duration(due) * time.Microsecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.wake:
	case <-ctx.Done():
	}
}

// question is one heartbeat with the reads that go before it in the same pipeline. The heartbeat comes last:
// if the pipeline arrives in pieces, nothing that follows the promise may pass for proof that it was read
// (SAFETY A3).
type question struct {
	asked   lease.Asked
	beat    lease.Asked
	sent    lease.Reading
	members []*Member // whose INDEX and LEADER are read
	slots   []*Member // whose SLOTS are read, after these
	timed   []*Member // whose group's HEARTBEAT is read, after these
	cmds    []caucus.Command
}

// periodic says after how many heartbeats everything is read anew, whatever events said: a connection that
// hears nothing may be one that hangs.
const periodic = 3

// seldom is after how many a group is asked how often its members should say that they live, of which no
// event tells.
const seldom = 10 * periodic

func (s *Session) question() question {
	now := s.c.cfg.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	q := question{asked: s.lease.Ask(now), sent: now}
	for _, m := range s.members {
		if m.leaving || m.gone != nil || !m.curious(now) && s.beats%periodic != 0 {
			continue
		}
		m.stale = false
		q.members = append(q.members, m)
		q.cmds = append(q.cmds,
			caucus.Command{"GROUP", "INDEX", m.group}, caucus.Command{"GROUP", "LEADER", m.group})
	}
	for _, m := range q.members {
		if m.reads {
			q.slots = append(q.slots, m)
			q.cmds = append(q.cmds, caucus.Command{"GROUP", "SLOTS", m.group},
				caucus.Command{"GROUP", "SLOTS", m.group, "REVOKING"})
		}
	}
	for _, m := range q.members {
		if s.beats%seldom == 0 || !m.timed {
			q.timed = append(q.timed, m)
			q.cmds = append(q.cmds, caucus.Command{"GROUP", "INFO", m.group})
		}
	}
	q.cmds = append(q.cmds, caucus.Command{"SESSION", "KEEPALIVE"})
	q.beat = s.lease.Heartbeat(now)
	s.beats++
	return q
}

// beat sends one heartbeat and takes its answers.
func (s *Session) beat(ctx context.Context) error {
	l, err := s.take(ctx)
	if err != nil {
		return err
	}
	l, err = s.mend(ctx, l)
	if err == nil {
		l, err = s.beatOn(ctx, l)
		l = s.discharge(ctx, l)
	}
	s.line <- l
	return err
}

// beatOn sends one heartbeat on a connection that is fit, so that nothing else is under way on it.
func (s *Session) beatOn(ctx context.Context, l *link) (*link, error) {
	q := s.question()
	l, replies, err := s.ask(ctx, l, q.cmds...)
	if err != nil {
		return l, err
	}
	err = s.judge(q, replies)
	switch {
	case err == nil:
		l.refusals = 0
	case errors.Is(err, caucus.ErrTryAgain), errors.Is(err, caucus.ErrLoading):
		l.refusals++
	default:
		l.doubtful = true // only RESUME tells whether the session has ended
	}
	return l, err
}

// judge takes the answers to a question.
func (s *Session) judge(q question, replies []caucus.Reply) error {
	now := s.c.cfg.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.announce()
	for i, m := range q.members {
		if !m.leaving { // it may have begun to since
			m.takeIndex(q.asked, replies[2*i])
			m.takeLeader(q.asked, replies[2*i+1])
		}
	}
	for i, m := range q.slots {
		if at := 2 * (len(q.members) + i); !m.leaving {
			m.takeSlots(q.asked, replies[at], replies[at+1])
		}
	}
	promise := replies[len(replies)-1]
	s.pace(q.timed, replies[len(replies)-1-len(q.timed):])
	if err := promise.Err(); err != nil {
		return err
	}
	if len(promise.Items) < 3 {
		return fmt.Errorf("client: %w: a promise of %d fields", errProtocol, len(promise.Items))
	}
	before, known := s.lease.Version()
	s.lease.Promise(q.beat, promise.Items[0].Int, uint64(promise.Items[2].Int))
	s.heard = q.sent
	s.ensemble.learn(q.sent, now, promise.Items[1].Int)
	if after, still := s.lease.Version(); !known || !still || before != after {
		for _, m := range s.members {
			m.stale = true
		}
	}
	return nil
}

// pace takes the answers to GROUP INFO, and has heartbeats come as often as the most eager group asks.
func (s *Session) pace(timed []*Member, replies []caucus.Reply) {
	for i, m := range timed {
		if replies[i].Err() == nil {
			m.timed, m.heartbeat = true, replies[i].Field("heartbeat").Int
		}
	}
	every := int64(0)
	for _, m := range s.members {
		if n := m.heartbeat * 1000; n > 0 && !m.leaving && m.gone == nil && (every == 0 || n < every) {
			every = n
		}
	}
	s.lease.Hurry(every)
}

// announce tells the members whose belief is another than they were last told. The caller holds mu.
func (s *Session) announce() {
	now := s.c.cfg.clock()
	for _, m := range s.members {
		m.announce(now)
	}
}

func (s *Session) tellLapse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.announce()
}

// resume takes the session over to another connection, to any node that will have it, and closes old. It ends
// the session when the ensemble says that it has ended, or when nothing was heard for so long that it must
// have. The caller has taken the connection.
func (s *Session) resume(ctx context.Context, old *link) (*link, error) {
	var wait pause
	for {
		var last error
		for _, addr := range s.c.book.all(old.addr) {
			l, err := s.resumeAt(ctx, addr)
			if err == nil {
				old.close()
				if l.ensemble == "" || l.ensemble != old.ensemble {
					s.forgetSlots()
				}
				return l, nil
			}
			if errors.Is(err, caucus.ErrNoSession) {
				s.end(fmt.Errorf("client: the session is over: %w", err))
				return nil, err
			}
			last = err
		}
		if s.silent() {
			s.end(fmt.Errorf("client: the session was not heard of for too long: %w", last))
			return nil, s.Err()
		}
		if err := s.c.open(); err != nil { // there is nothing left to resume it by
			s.end(err)
		}
		if err := s.Err(); err != nil {
			return nil, err
		}
		if err := wait.wait(ctx); err != nil {
			return nil, notApplied(last, err)
		}
	}
}

func (s *Session) resumeAt(ctx context.Context, addr string) (*link, error) {
	l, err := s.c.cfg.connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, s.hang)
	defer cancel()
	sent := s.c.cfg.clock()
	replies, err := l.do(within, caucus.Command{"SESSION", "RESUME", s.id}, whichEnsemble)
	if err == nil {
		err = replies[0].Err()
	}
	if err != nil {
		l.close()
		return nil, err
	}
	l.ensemble = ensembleOf(replies[1])
	s.mu.Lock()
	s.heard = sent
	s.mu.Unlock()
	return l, nil
}

// whichEnsemble asks a node for the id of its ensemble. One that was made anew of a survivor has another, and
// has forgotten who held which slot (SAFETY B4).
var whichEnsemble = caucus.Command{"INFO", "ensemble"}

// ensembleOf reads the answer, "" when it says nothing of an id.
func ensembleOf(info caucus.Reply) string {
	if info.Err() != nil {
		return ""
	}
	_, rest, _ := strings.Cut(info.Text(), "cluster_id:")
	id, _, _ := strings.Cut(rest, "\r\n")
	return id
}

// unled is how much longer than the ensemble's own count a session may live while nobody leads (SAFETY A5):
// only led time counts there, and here nobody can tell. It bounds how long one goes on asking, nothing else;
// beliefs end long before.
const unled = 30 * time.Second

func (s *Session) silent() bool {
	now := s.c.cfg.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return lease.Elapsed(s.heard, now) > (2*s.ttl + unled).Microseconds()
}
