package node

import (
	"context"
	"time"
)

// takePart begins the node's life among the nodes: the program hears of it, then the node takes its seat.
func (n *Node) takePart() {
	if n.cfg.OnStart != nil {
		n.cfg.OnStart(n)
	}
	ctx, leave := context.WithCancel(context.Background())
	n.leave = leave
	if n.cfg.OnFollower != nil || n.cfg.OnCandidate != nil {
		n.voice.speak(ctx, n.announce) // that it is a candidate, for certain before it is anything else
		n.part.Go(func() { n.herald(ctx) })
	}
	if open := n.openToOthers(); len(open) > 0 {
		n.part.Go(func() { n.warnThatItServesNoOthers(ctx, open) })
	}
	if n.cfg.MaxMemory > 0 {
		n.part.Go(func() { n.setMaxMemory(ctx) })
	}
	if !n.cfg.apart {
		n.part.Go(func() { n.sit(ctx) })
	}
}

// retire ends it: the leadership first, so that another node leads at once. Without a majority nobody can be
// told, and so the door is closed at which this node would wait for an answer.
func (n *Node) retire() {
	if n.leave == nil {
		return
	}
	if !n.reachesMajority() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		n.doors.own.door.Close(now)
	}
	n.leave()
	n.part.Wait()
	if n.cfg.OnShutdown != nil {
		n.cfg.OnShutdown(n)
	}
}

// voice is what tells the program how its node stands. Whoever has it may call the program, so calls never
// overlap, and what was over before its turn came is left out.
type voice struct {
	turn chan struct{} // holds one for who has it
	told *office       // what was said last; nil: whatever comes is news
}

func newVoice() *voice { return &voice{turn: make(chan struct{}, 1)} }

// speak waits for the turn. When ctx ends before, nothing is said.
func (v *voice) speak(ctx context.Context, say func()) {
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
		say()
	case <-ctx.Done():
	}
}

// rule has the program lead until the leadership ends. A program that has nothing more to do for it leads on.
func (n *Node) rule(ctx context.Context, term uint64) error {
	n.voice.speak(ctx, func() {
		n.voice.told = nil
		if ctx.Err() == nil {
			n.cfg.OnLeader(ctx, n, term)
		}
		<-ctx.Done()
	})
	return nil
}

// office is how a node stands among the nodes. Who neither leads nor knows who does is a candidate.
type office struct {
	leads  bool
	leader Peer // when it is another
}

// office says how this node stands. It is not certain while the log says that this node leads, and the
// promise by which it may believe that is still to come.
func (n *Node) office() (o office, certain bool) {
	if n.IsLeader() {
		return office{leads: true}, true
	}
	if n.seat.heard() == n.me.Name {
		return office{}, false
	}
	leader, _ := n.Leader()
	return office{leader: leader}, true
}

// herald tells the program, whenever that has changed, that the node follows or is a candidate, until ctx
// ends.
func (n *Node) herald(ctx context.Context) {
	for ctx.Err() == nil {
		changed, ofMember, left := n.seat.watch()
		n.voice.speak(ctx, n.announce)
		rest(ctx, left, changed, ofMember)
	}
}

func (n *Node) announce() {
	now, certain := n.office()
	if !certain || n.voice.told != nil && now == *n.voice.told {
		return
	}
	n.voice.told = &now
	switch {
	case now.leads: // rule says so
	case now.leader != Peer{} && n.cfg.OnFollower != nil:
		n.cfg.OnFollower(n, now.leader)
	case now.leader == Peer{} && n.cfg.OnCandidate != nil:
		n.cfg.OnCandidate(n)
	}
}

// rest waits until something has changed, or until the newest promise is over, which nothing else may tell; 0
// for none.
func rest(ctx context.Context, left time.Duration, changed, ofMember <-chan struct{}) {
	var over <-chan time.Time
	if left > 0 {
		timer := time.NewTimer(left)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-changed:
	case <-ofMember:
	case <-over:
	case <-ctx.Done():
	}
}
