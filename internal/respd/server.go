package respd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/grumble"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// Config is what the door needs. Zero means the default, where one is given.
type Config struct {
	Server waist.Server
	Table  *command.Table
	Log    *slog.Logger
	Now    func() time.Time // default time.Now
	// Guard says who may come in. Unless it is closed, clients from elsewhere than this machine are denied.
	// Nil: everybody on this machine may do everything.
	Guard waist.Guard
	// RedisVersion is what HELLO answers; default 7.0.15, whose commands ours follow.
	RedisVersion string
	Limits       resp.Limits
	MaxClients   int // default 10,000
	// MaxSubscriptions is to how many channels and patterns one connection may listen; default 10,000.
	MaxSubscriptions int
	AuthTimeout      time.Duration // for a client to log in; default 10 s
	// MostDump is how many bytes GETDUMP may answer as one string; default 512 MiB, as for any string.
	MostDump int
	// WriteTimeout is how long a client may take nothing of what was written to it; default 60 s.
	WriteTimeout time.Duration
	// RestTimeout is for how long nothing may come of the rest of a command; default 60 s.
	RestTimeout time.Duration
}

func (c Config) withDefaults() Config {
	c.MaxClients = cmp.Or(c.MaxClients, 10_000)
	c.MaxSubscriptions = cmp.Or(c.MaxSubscriptions, 10_000)
	c.AuthTimeout = cmp.Or(c.AuthTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, time.Minute)
	c.RestTimeout = cmp.Or(c.RestTimeout, time.Minute)
	c.MostDump = cmp.Or(c.MostDump, resp.MaxBulk)
	c.RedisVersion = cmp.Or(c.RedisVersion, "7.0.15")
	if c.Guard == nil {
		c.Guard = waist.Password(nil)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Stats counts what the door has done since it was made.
type Stats struct {
	Clients     int    // connected now
	Subscribers int    // of them, those with a channel or pattern
	Accepted    uint64 // connections taken
	Rejected    uint64 // connections refused because there were too many
	Denied      uint64 // connections denied because they came from elsewhere and there is no password
	Cut         uint64 // connections closed because their reader was too slow
	Commands    uint64 // requests, those among them that are no command

	BytesIn, BytesOut uint64
	ByCommand         []CommandStats    // sorted by name
	Errors            map[string]uint64 // error replies by their first word
	Limits            map[string]uint64 // error replies by the limit that is their reason, if one is
}

// Server is the door. It may serve several listeners.
type Server struct {
	cfg  Config
	ctx  context.Context // over when the door is closed by force
	stop context.CancelFunc
	all  sync.WaitGroup // connections

	watching sync.WaitGroup // over them

	closing atomic.Bool // set under mu

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	lanes     lanes
	criers    criers
	clients   map[uint64]*client
	last      uint64 // number of the last connection

	rejected atomic.Uint64
	denied   atomic.Uint64
	cut      atomic.Uint64
	commands atomic.Uint64
	tally    *tally
	slow     slowLog
	grumble  *grumble.Voice // of what clients can bring about, so that they cannot fill the disk with it
	parting  chan struct{}  // room for those who are told that there are too many
	dumps    chan struct{}  // room for those who read a dump
}

// New makes a door that serves nobody yet.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg.withDefaults(), listeners: map[net.Listener]struct{}{},
		clients: map[uint64]*client{}, tally: newTally(cfg.Table), parting: make(chan struct{}, 64),
		dumps: make(chan struct{}, maxDumps)}
	s.grumble = grumble.New(s.cfg.Log)
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Serve accepts connections until the door is closed, when it returns nil, or the listener fails. It closes
// the listener.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.addListener(l) {
		return nil
	}
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		if err == nil {
			pause = 0
			s.accept(conn)
			continue
		}
		if s.closing.Load() {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("the RESP door's listener was closed: %w", err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.grumble.Warn("cannot accept a connection; trying again", "error", err, "in", pause)
		if !s.sleep(pause) {
			return nil
		}
	}
}

func (s *Server) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return !s.closing.Load()
	case <-s.ctx.Done():
		return false
	}
}

func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if len(s.listeners) == 0 {
		s.watching.Go(s.cutStuck)
	}
	s.listeners[l] = struct{}{}
	return true
}

// accept begins to serve a connection, or says why not.
func (s *Server) accept(conn net.Conn) {
	c, full := s.enter(conn)
	switch {
	case c != nil:
		go c.serve()
	case full:
		s.reject(conn)
	default:
		closeQuietly(conn)
	}
}

// enter makes a client of a connection unless the door is full or closing.
func (s *Server) enter(conn net.Conn) (c *client, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full = len(s.clients) >= s.cfg.MaxClients
	if full || s.closing.Load() {
		return nil, full
	}
	s.last++
	c = newClient(s, conn, s.last)
	s.clients[c.id] = c
	s.all.Add(1)
	return c, false
}

// leave takes note that a connection is over.
func (s *Server) leave(c *client) {
	s.mu.Lock()
	delete(s.clients, c.id)
	s.mu.Unlock()
	s.all.Done()
}

// reject tells a connection that there are too many. When even those who are being told are too many, they
// are just closed.
func (s *Server) reject(conn net.Conn) {
	s.rejected.Add(1)
	select {
	case s.parting <- struct{}{}:
	default:
		closeQuietly(conn)
		return
	}
	s.all.Go(func() {
		farewell(conn, []byte("-ERR max number of clients reached\r\n"))
		<-s.parting
	})
}

// Close stops accepting, lets every connection finish and answer the pipeline that it is at, closes them all
// and waits for that. When ctx ends before, the rest are closed at once. Their sessions have not lost
// anybody: silence counts for them (SAFETY A4).
func (s *Server) Close(ctx context.Context) {
	s.mu.Lock()
	s.closing.Store(true)
	for l := range s.listeners {
		closeQuietly(l)
	}
	for _, c := range s.clients {
		c.interrupt()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	force := context.AfterFunc(ctx, s.force)
	go func() {
		s.all.Wait()
		close(done)
	}()
	<-done
	force()
	s.stop()
	s.watching.Wait()
	s.lanes.close()
	s.criers.close()
}

// Dismiss cuts everybody who is connected now, each after the answers to the pipeline that it is at. Who
// connects later is served. The sessions have not lost anybody: silence counts for them (SAFETY A4).
func (s *Server) Dismiss() {
	for _, c := range s.connected() {
		c.dismissed.Store(true)
		c.interrupt()
	}
}

// Review cuts those who would not be let in any more as they were, as Dismiss does.
func (s *Server) Review() {
	for _, c := range s.connected() {
		if who, in := c.login(); in && (!s.cfg.Guard.Holds(who) || !c.mayGoOn(who.User)) {
			c.dismissed.Store(true)
			c.interrupt()
		}
	}
}

// force closes what is left.
func (s *Server) force() {
	s.stop()
	for _, c := range s.connected() {
		c.hangUp()
	}
}

// connected gives the present connections by number.
func (s *Server) connected() []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*client, 0, len(s.clients))
	for _, c := range s.clients {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *client) int { return cmp.Compare(a.id, b.id) })
	return all
}

// Stats gives the counts.
func (s *Server) Stats() Stats {
	st := Stats{Rejected: s.rejected.Load(), Denied: s.denied.Load(), Cut: s.cut.Load(),
		Commands: s.commands.Load()}
	s.mu.Lock()
	st.Accepted = s.last
	s.mu.Unlock()
	s.tally.add(&st, s.cfg.Table)
	for _, c := range s.connected() {
		st.Clients++
		if c.listens() {
			st.Subscribers++
		}
	}
	return st
}
