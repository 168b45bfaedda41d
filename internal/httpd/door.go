package httpd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/grumble"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// Config is what the door needs. Zero means the default.
type Config struct {
	// Timeout is for how long a bloc client may be silent before it is removed: the TTL of its session; 4 s.
	Timeout time.Duration
	// RequestTimeout bounds the work on one request: 5 s.
	RequestTimeout time.Duration
	// Guard says who may come in. It is asked for every request. Unless it is closed, requests from elsewhere
	// than this machine are denied. Nil: everybody on this machine may do everything.
	Guard waist.Guard
	// Certificates has every request need a client's certificate that was verified.
	Certificates bool
	// Hosts are the names and addresses, with or without port, at which clients reach this node, besides
	// loopback and the addresses that its connections arrive at. A request for another host is refused,
	// since it may come from a web page whose name somebody made point here.
	Hosts []string
	// MaxClients bounds the connections: 10,000.
	MaxClients int
	// Budget is what the bodies of requests and answers count against beyond 64 KiB each. Nil: no bound.
	Budget *resp.Budget
	// MaxArgument bounds a value, or a word of a command, in bytes: 8 MiB.
	MaxArgument int
	// MaxSeats bounds how many bloc clients are remembered between their requests: 100,000. One that is
	// forgotten loses nothing, but the settling of its group may take longer.
	MaxSeats int
	// Table is the table of the commands that the server knows. Nil: of those that all do.
	Table *command.Table
	// Metrics answers GET /metrics. Nil: there is nothing at that path.
	Metrics http.Handler
	// Logger gets what an operator may want to read. Requests are not logged. Nil: nothing is.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 4*time.Second)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, 5*time.Second)
	c.MaxClients = cmp.Or(c.MaxClients, 10_000)
	c.MaxArgument = cmp.Or(c.MaxArgument, resp.DefaultBulk)
	c.MaxSeats = cmp.Or(c.MaxSeats, 100_000)
	if c.Table == nil {
		c.Table = command.New()
	}
	if c.Guard == nil {
		c.Guard = waist.Password(nil)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Limits on what a connection may take. requestTime is for a request to come in, and again for its answer to
// be taken; bloc's clients come every few seconds over a connection that they keep.
const (
	maxHeader   = 16 << 10
	keepFor     = 4        // timeouts for which a client of bloc is remembered; its session has ended after one
	maxBody     = 64 << 10 // nothing here reads one
	headerTime  = 10 * time.Second
	requestTime = 30 * time.Second
	idleTime    = 2 * time.Minute
)

// Door is the HTTP door. It may serve several listeners.
type Door struct {
	cfg     Config
	server  waist.Server
	hosts   map[string]bool
	seats   *seats[client, *blocSeat] // of bloc's clients
	carried *seats[holder, *seat]     // of sessions of /v1
	api     http.Handler              // what is below /v1/
	http    *http.Server
	ctx     context.Context // over when the door is closed by force
	stop    context.CancelFunc

	pace       pace
	streaming  context.Context // over when streams of events have to end, since the door closes
	endStreams context.CancelFunc

	open    atomic.Int64
	grumble *grumble.Voice // of what clients can bring about
	tally   tally
	conns   sync.WaitGroup

	mu      sync.Mutex
	closing bool
	fresh   map[net.Conn]struct{} // those that have not asked for anything yet
}

// New makes a door to server that serves nobody yet.
func New(cfg Config, server waist.Server) *Door {
	d := &Door{cfg: cfg.withDefaults(), server: server, hosts: make(map[string]bool),
		fresh: make(map[net.Conn]struct{})}
	for _, host := range d.cfg.Hosts {
		d.hosts[hostname(host)] = true
	}
	d.seats = newSeats(d.cfg.MaxSeats, keepFor*d.cfg.Timeout, func(c client) (client, *blocSeat) {
		c = client{strings.Clone(c.group), strings.Clone(c.header), strings.Clone(c.user)}
		return c, newBlocSeat(c, d.cfg.Timeout)
	})
	d.carried = newCarried()
	d.grumble = grumble.New(d.cfg.Logger)
	d.api = d.mux()
	d.pace = usualPace
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.streaming, d.endStreams = context.WithCancel(d.ctx)
	d.http = &http.Server{
		Handler:                      http.HandlerFunc(d.serve),
		DisableGeneralOptionsHandler: true,
		MaxHeaderBytes:               maxHeader,
		ReadHeaderTimeout:            headerTime,
		IdleTimeout:                  max(idleTime, 4*d.cfg.Timeout),
		ErrorLog:                     slog.NewLogLogger(d.cfg.Logger.Handler(), slog.LevelDebug),
		BaseContext:                  func(net.Listener) context.Context { return d.ctx },
		ConnContext:                  withVisitor,
		ConnState:                    d.follow,
	}
	d.allow(requestTime)
	return d
}

// allow sets for how long a request may come in and an answer may go out. The time to write runs from the end
// of the head, so the body and the work have to fit in as well: whoever is within his limits gets an answer.
func (d *Door) allow(each time.Duration) {
	d.http.ReadTimeout, d.http.WriteTimeout = each, each+d.cfg.RequestTimeout+each
}

// Serve accepts connections until the door is closed, when it returns nil, or the listener fails. It
// closes the listener.
func (d *Door) Serve(l net.Listener) error {
	err := d.http.Serve(limited{l, d})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("the HTTP door's listener failed: %w", err)
}

// Close stops accepting, ends the streams of events, lets every other request be answered, and waits for
// that. When ctx ends before, the connections are closed at once, and Close returns as soon as the server
// has let go of the requests, which it does within the request timeout.
func (d *Door) Close(ctx context.Context) {
	d.endStreams()
	d.dropFresh()
	if err := d.http.Shutdown(ctx); err != nil {
		d.stop()
		if err := d.http.Close(); err != nil {
			d.cfg.Logger.Debug("closing the HTTP door", "error", err)
		}
	}
	d.conns.Wait()
	d.stop()
	d.seats.close()
	d.carried.close()
}

// dropFresh closes the connections that nothing was asked on, for which a shutdown would wait.
func (d *Door) dropFresh() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closing = true
	for conn := range d.fresh {
		d.drop(conn)
	}
}

func (d *Door) drop(conn net.Conn) {
	if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		d.cfg.Logger.Debug("closing a connection", "from", conn.RemoteAddr(), "error", err)
	}
}

// follow counts the connections, and knows those that have not asked for anything yet.
func (d *Door) follow(conn net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case http.StateNew:
		d.open.Add(1)
		d.conns.Add(1)
		d.fresh[conn] = struct{}{}
		if d.closing {
			d.drop(conn)
		}
	case http.StateClosed, http.StateHijacked:
		d.open.Add(-1)
		d.conns.Done()
		delete(d.fresh, conn)
	case http.StateActive:
		delete(d.fresh, conn)
	}
}

// limited is a listener that turns connections away when the door has as many as it may.
type limited struct {
	net.Listener
	door *Door
}

func (l limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.door.open.Load() < int64(l.door.cfg.MaxClients) {
			l.door.tally.accepted.Add(1)
			return counted{conn, &l.door.tally}, nil
		}
		l.door.tally.tooMany.Add(1)
		l.door.turnAway(conn)
	}
}

// turnAway tells a connection that there are too many. What is written fits the buffer of a new
// connection, so nobody is waited for.
func (d *Door) turnAway(conn net.Conn) {
	const body = `{"error":"TRYAGAIN","message":"this node has as many HTTP connections as it may"}`
	err := conn.SetWriteDeadline(time.Now().Add(time.Second))
	if err == nil {
		_, err = fmt.Fprintf(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"+
			"Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	}
	d.cfg.Logger.Debug("a connection too many", "from", conn.RemoteAddr(), "error", err)
	d.drop(conn)
}
