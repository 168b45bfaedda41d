package respd

import (
	"runtime"
	"sync"

	"github.com/caucus-project/caucus/internal/waist"
)

// crier writes what was published to many subscribers with one goroutine, which is woken once for all to whom
// something has come meanwhile. A subscriber who does not take it at once gets a goroutine until he has
// taken all that waits for him.
type crier struct {
	wake chan struct{} // holds one token when somebody is due
	over chan struct{}

	mu  sync.Mutex
	due []*client // to whom something has come

	// Of its goroutine.
	room   []waist.Message // for what comes to the next subscriber
	text   []byte          // what is written to this one
	spoken [16]spoken
}

// spoken is a message as it is written to all who hear it by one protocol.
type spoken struct {
	message waist.Message
	proto   int
	text    []byte
}

// roomKept is for how many messages a subscription keeps room while none waits.
const roomKept = 8

// tell takes note that something has come to a client. It does not wait.
func (cr *crier) tell(c *client) {
	cr.mu.Lock()
	cr.due = append(cr.due, c)
	first := len(cr.due) == 1
	cr.mu.Unlock()
	if first {
		select {
		case cr.wake <- struct{}{}:
		default:
		}
	}
}

func (cr *crier) run() {
	var round []*client
	for {
		select {
		case <-cr.over:
			return
		case <-cr.wake:
		}
		for {
			cr.mu.Lock()
			round, cr.due = append(round, cr.due...), cr.due[:0]
			cr.mu.Unlock()
			if len(round) == 0 {
				break
			}
			round = cr.visitAll(round)
		}
		cr.forget()
	}
}

// visitAll visits everybody once, and gives those who are to be visited again.
func (cr *crier) visitAll(round []*client) []*client {
	again := round[:0]
	for _, c := range round {
		if cr.visit(c) {
			again = append(again, c)
		}
	}
	clear(round[len(again):])
	return again
}

// visit writes to a subscriber what has come, and says whether more may have come meanwhile. Once it has
// found nothing the subscription tells of what comes.
func (cr *crier) visit(c *client) (again bool) {
	c.gate.Lock()
	defer c.gate.Unlock()
	messages, err := c.sub.Take(cr.room)
	if err != nil {
		c.pumpEnded(err)
		return false
	}
	if len(messages) == 0 {
		return false
	}
	cr.room = nil
	text, n := cr.write(c, messages)
	all, err := c.out.pass(c.lane.sock, text)
	switch {
	case err != nil:
		c.pumpFailed(c.writeFailed(err))
		return false
	case !all || n < len(messages):
		rest := messages[n:]
		c.pumping.Go(func() { c.pump(rest, func() ([]waist.Message, error) { return c.sub.Take(nil) }) })
		return false
	}
	if clear(messages); cap(messages) <= roomKept {
		cr.room = messages[:0]
	}
	return true
}

// write gives the text of so many messages as are written at once, and their number. A lone one, as most are,
// is not copied.
func (cr *crier) write(c *client, messages []waist.Message) (text []byte, n int) {
	if len(messages) == 1 {
		if !c.hears(&messages[0]) {
			return nil, 1
		}
		return cr.speak(0, c.proto, &messages[0]), 1
	}
	cr.text = cr.text[:0]
	for i := range messages {
		if c.hears(&messages[i]) {
			cr.text = append(cr.text, cr.speak(i, c.proto, &messages[i])...)
		}
		if len(cr.text) >= chunk {
			return cr.text, i + 1
		}
	}
	return cr.text, len(messages)
}

// speak gives the text of the nth message of a subscriber. It is likely to be that of the others, too.
func (cr *crier) speak(n, proto int, m *waist.Message) []byte {
	s := &cr.spoken[n%len(cr.spoken)]
	if s.proto != proto || s.message != *m {
		s.proto, s.message, s.text = proto, *m, appendMessage(s.text[:0], proto, m)
	}
	return s.text
}

// forget lets go of what nobody is waiting for any more.
func (cr *crier) forget() {
	for i := range cr.spoken {
		s := &cr.spoken[i]
		s.proto, s.message = 0, waist.Message{}
		if cap(s.text) > keepBytes {
			s.text = nil
		}
	}
	if cap(cr.text) > keepBytes {
		cr.text = nil
	}
}

// criers are the criers of a door, made when the first subscriber asks for one.
type criers struct {
	mu      sync.Mutex
	all     []*crier
	running sync.WaitGroup
}

// give gives a connection its crier. Half of the processors leave the other half to those who publish.
func (cs *criers) give(id uint64) *crier {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.all == nil {
		for range max(1, runtime.GOMAXPROCS(0)/2) {
			cr := &crier{wake: make(chan struct{}, 1), over: make(chan struct{})}
			cs.all = append(cs.all, cr)
			cs.running.Go(cr.run)
		}
	}
	return cs.all[id%uint64(len(cs.all))]
}

// close ends the criers, when no connection is left.
func (cs *criers) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, cr := range cs.all {
		close(cr.over)
	}
	cs.all = nil
	cs.running.Wait()
}
