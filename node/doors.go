package node

import (
	"context"
	"net"
	"os"
	"slices"
	"time"

	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/here"
	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/respd"
)

// doors are where clients come in.
type doors struct {
	resp *respd.Server
	http *httpd.Door

	program, own *inner // for the program that the node is part of, and for the node itself
}

// openDoors lets clients in.
func (n *Node) openDoors() {
	n.doors.resp = respd.New(respd.Config{Server: server{n}, Table: n.table, Log: n.log,
		Guard: guard{n}, MaxClients: n.cfg.MaxClients,
		Limits:           resp.Limits{Bulk: n.cfg.MaxArgument, Budget: n.budget},
		MaxSubscriptions: n.cfg.MaxSubscriptions})
	n.serve("client", n.ls.client, n.doors.resp.Serve)
	n.doors.program, n.doors.own = n.openInner(false), n.openInner(true)
	if n.ls.http == nil {
		return
	}
	n.doors.http = httpd.New(httpd.Config{Timeout: n.cfg.BlocTimeout, RequestTimeout: n.cfg.RequestTimeout,
		MaxClients: n.cfg.MaxClients, MaxArgument: n.cfg.MaxArgument, Budget: n.budget, Hosts: n.hosts(),
		Logger: n.log, Metrics: n.meter.Handler(),
		Table:        n.table,
		Guard:        guard{n},
		Certificates: n.cfg.TLS.requiresClients()}, server{n})
	n.serve("HTTP", n.ls.http, n.doors.http.Serve)
}

// openInner lets the process in that the node lives in.
func (n *Node) openInner(own bool) *inner {
	door := newInner(insider{server{n}, own}, n.table, n.cfg.MaxArgument, n.log)
	n.serve("inner", door, door.door.Serve)
	return door
}

// hosts gives the names by which HTTP clients may call this node.
func (n *Node) hosts() []string {
	hosts := []string{n.me.HTTP, n.cfg.HTTP}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	if n.certs != nil {
		hosts = append(hosts, n.certs.Hosts()...)
	}
	return slices.DeleteFunc(hosts, func(h string) bool { return h == "" })
}

// openToOthers gives where clients of other machines can connect, although nothing that was stated for this
// node lets it tell who they are.
func (n *Node) openToOthers() (at []string) {
	if n.cfg.Password != "" || n.cfg.TLS.on() && n.cfg.TLS.Clients != string(certs.Off) {
		return nil
	}
	for _, l := range []net.Listener{n.ls.client, n.ls.http} {
		if l != nil && !here.Is(l.Addr()) {
			at = append(at, l.Addr().String())
		}
	}
	return at
}

// warnThatItServesNoOthers says so unless there are users who need passwords: those are in the state, so the
// ensemble is asked first for what this node has not heard yet.
func (n *Node) warnThatItServesNoOthers(ctx context.Context, listens []string) {
	ask, done := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer done()
	if n.catchUp(ask); ctx.Err() != nil || (guard{n}).Closed() {
		return
	}
	n.log.Warn("this node serves only clients on its own machine "+here.Advice, "listens", listens)
}

func (n *Node) serve(door string, l net.Listener, serve func(net.Listener) error) {
	n.running.Go(func() {
		if err := serve(l); err != nil && n.ctx.Err() == nil {
			n.log.Error("a door closed", "door", door, "error", err)
		}
	})
}

// dismiss cuts all clients, each after his answer. Whether they may come again is for Node.Open to say.
func (d *doors) dismiss() {
	for _, door := range d.speakingRESP() {
		door.Dismiss()
	}
}

// speakingRESP gives the doors for RESP that were opened.
func (d *doors) speakingRESP() []*respd.Server {
	if d.resp == nil {
		return nil
	}
	return []*respd.Server{d.resp, d.program.door, d.own.door}
}

// review cuts who would not be let in any more.
func (d *doors) review() {
	if d.resp != nil {
		d.resp.Review()
	}
}

// close shuts the doors and waits until everybody who was served has his answer.
func (d *doors) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	for _, door := range d.speakingRESP() {
		door.Close(ctx)
	}
	if d.http != nil {
		d.http.Close(ctx)
	}
}

// stats gives the counts of the client door.
func (d *doors) stats() respd.Stats {
	if d.resp == nil {
		return respd.Stats{}
	}
	return d.resp.Stats()
}
