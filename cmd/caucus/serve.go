package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/node"
)

// serveCmd runs one node. bloc's -t, -s and -l are short forms.
type serveCmd struct {
	ID           string     `short:"i" help:"Name of the node; by default its client address." placeholder:"NAME"`
	Listen       string     `short:"a" help:"Client door (RESP), by default 127.0.0.1:5010; port 0 takes a free one." default:"127.0.0.1:5010" placeholder:"HOST:PORT"`
	PeerListen   string     `help:"Peer door; by default the port after the client's." placeholder:"HOST:PORT"`
	HTTP         string     `short:"l" name:"http" help:"HTTP door, 'off' for none; by default 127.0.0.1:8989, or a free port." placeholder:"HOST:PORT"`
	Advertise    string     `help:"Where others reach this node, when not at what it listens on; the peer door at the port after PORT." placeholder:"HOST[:PORT]"`
	Data         string     `help:"Directory that the node lives in; by default caucus-data/ID." placeholder:"DIR"`
	Join         []string   `help:"Client address of a node of the ensemble to join." placeholder:"ADDR"`
	Ensemble     []string   `short:"e" help:"The nodes that found an ensemble with this one, or belong to it: [NAME/]HOST:PORT,... Each is heard before anything is founded." placeholder:"LIST"`
	Config       configFile `help:"QCluster's JSON file: who this node is and who its peers are; further fields are these flags with _ for -." placeholder:"FILE"`
	FoundWithout []string   `help:"Listed node, by name or address, for whom founding does not wait when it is silent." placeholder:"NAME"`
	From         string     `help:"Dump that a new ensemble begins with, of GETDUMP or CHECKPOINT NAME, which leaves it in checkpoints/NAME.jsonl of the data directory; pyraft's -l." placeholder:"FILE"`
	Metadata     string     `help:"Shown to all peers; JSON by convention." placeholder:"JSON"`
	Timeout      seconds    `short:"t" help:"How long a bloc client may be silent." default:"4s"`
	Settle       seconds    `short:"s" help:"Settle period of groups for which nobody states one." default:"6s"`

	PasswordFile   string        `help:"File with the password of clients and peers." placeholder:"FILE"`
	TLSCert        string        `name:"tls-cert" help:"File with this node's certificate (PEM); all doors speak TLS. It is read anew when it changes." placeholder:"FILE"`
	TLSKey         string        `name:"tls-key" help:"File with the key of --tls-cert." placeholder:"FILE"`
	TLSCA          string        `name:"tls-ca" help:"File with the authorities that vouch for nodes and clients." placeholder:"FILE"`
	TLSClients     string        `name:"tls-clients" enum:"require,optional,off" default:"require" help:"Whether clients must show a certificate: require, optional or off. Nodes always must." placeholder:"require"`
	TLSMin         string        `name:"tls-min" enum:"1.2,1.3" default:"1.3" help:"Oldest TLS that clients may speak, 1.2 or 1.3." placeholder:"1.3"`
	RequestTimeout time.Duration `help:"Bound on requests that do not say how long they wait." default:"5s"`
	Heartbeat      time.Duration `help:"The leader's rhythm in a new ensemble, by default 50ms; the others' nodes are told." placeholder:"TIME"`
	Election       time.Duration `help:"How long a leader's silence is borne at least in a new ensemble, by default 400ms; a multiple of --heartbeat." placeholder:"TIME"`
	Snapshot       uint64        `help:"Log entries after which a snapshot is written, by default 100000." default:"100000" placeholder:"ENTRIES"`
	Digest         uint64        `help:"Log entries after which the nodes compare digests of their states, by default 1000000." default:"1000000" placeholder:"ENTRIES"`
	MaxClients     int           `help:"Client connections at most." default:"10000"`
	MaxUserRate    int           `help:"Commands that one user may ask this node for in a second; 0 for no bound." default:"0"`
	MaxSubs        int           `name:"max-subscriptions" help:"Channels and patterns that one connection listens to, at most." default:"10000"`
	MaxClientMem   memory        `name:"max-client-memory" help:"What all connections together may hold of commands that are coming, and of answers and messages that were not taken: 1gb." placeholder:"SIZE"`
	MaxBacklog     memory        `name:"max-client-backlog" help:"Messages that may wait for one subscriber, who is cut beyond it, or at a quarter of it for a minute: 32mb; 1mb and more." placeholder:"SIZE"`
	MaxArgument    memory        `name:"proto-max-bulk-len" help:"The longest argument of a command, and so the largest value that is sent as one: 8mb; 32mb at most." placeholder:"SIZE"`
	MaxMemory      memory        `help:"Sets the ensemble's limit on keys and values, such as 2gb: above it, what grows is refused. Left out, it stays as it is." placeholder:"SIZE"`
	LogLevel       slog.Level    `help:"debug, info, warn or error." default:"info"`
}

// seconds is a duration; a bare number means seconds, as in bloc.
type seconds time.Duration

// memory is a number of bytes as Redis writes it: 100mb, 2gb.
type memory int64

// UnmarshalText reads a number of bytes.
func (m *memory) UnmarshalText(text []byte) error {
	n, ok := machine.Bytes(string(text))
	if !ok {
		return fmt.Errorf("%q is no number of bytes such as 104857600, 100mb or 2gb", text)
	}
	*m = memory(n)
	return nil
}

// UnmarshalText reads "4s" or "4".
func (s *seconds) UnmarshalText(text []byte) error {
	if n, err := strconv.ParseFloat(string(text), 64); err == nil && n >= 0 && n < 1e9 {
		*s = seconds(n * float64(time.Second))
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is neither a duration such as 4s nor a number of seconds", text)
	}
	*s = seconds(d)
	return nil
}

// Run opens the node, says where it is, and serves until a signal or a fault ends it.
func (c *serveCmd) Run(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	level := new(slog.LevelVar)
	level.Set(c.LogLevel)
	cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	running := new(atomic.Pointer[node.Node])
	reloading := c.reloads(cfg.Logger, level, running)
	defer reloading()
	go keepThrifty(ctx)
	warnExposed(cfg.Logger, map[string]string{"--password-file": c.PasswordFile, "--tls-key": c.TLSKey})
	if runtime.GOOS != "linux" {
		cfg.Logger.Warn("caucus is tested on Linux alone: nothing is claimed here of what survives a loss of power")
	}
	n, err := node.Open(ctx, cfg)
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "caucus: asked to stop before it served anybody:", err)
		return nil
	case err != nil:
		return err
	}
	running.Store(n)
	client, peers, http := n.Addresses()
	if err := notify("READY=1"); err != nil {
		cfg.Logger.Warn("the service manager cannot be told that the node serves", "error", err)
	}
	fmt.Printf("ready id=%s client=%s peers=%s http=%s data=%s\n", n.Name(), client, peers, http, cfg.Data)
	select {
	case <-ctx.Done():
		_ = notify("STOPPING=1") // whoever asked it to stop knows
	case <-n.Done():
	}
	return n.Close()
}

func (c *serveCmd) config() (node.Config, error) {
	password, err := readPassword(c.PasswordFile)
	if err != nil {
		return node.Config{}, err
	}
	id := c.ID
	if id == "" {
		id = c.Listen
	}
	data := c.Data
	if data == "" {
		data = node.DefaultData(id)
	}
	if c.Timeout == 0 {
		return node.Config{}, errors.New("--timeout: a bloc client must be given time; 100ms at least")
	}
	settle := time.Duration(c.Settle)
	if settle == 0 {
		settle = -1
	}
	peers, err := c.peers()
	if err != nil {
		return node.Config{}, err
	}
	return node.Config{
		Peers: peers, OneList: c.Config != "", FoundWithout: c.FoundWithout,
		Name: c.ID, Data: data, Listen: c.Listen, PeerListen: c.PeerListen,
		HTTP: httpAddress(c.HTTP), Advertise: c.Advertise, Join: c.Join, From: c.From, Metadata: c.Metadata,
		TLS: c.tls(), Password: password, BlocTimeout: time.Duration(c.Timeout), Settle: settle,
		RequestTimeout: c.RequestTimeout, Heartbeat: c.Heartbeat, Election: c.Election,
		SnapshotEntries: c.Snapshot, DigestEntries: c.Digest, MaxClients: c.MaxClients,
		MaxSubscriptions: c.MaxSubs, MaxUserRate: c.MaxUserRate, MaxClientMemory: int64(c.MaxClientMem),
		MaxClientBacklog: int(c.MaxBacklog), MaxArgument: int(c.MaxArgument), MaxMemory: int64(c.MaxMemory),
	}, nil
}

// tls is what the flags say of TLS: nothing unless there are certificates.
func (c *serveCmd) tls() node.TLS {
	t := node.TLS{Cert: c.TLSCert, Key: c.TLSKey, CA: c.TLSCA}
	if t == (node.TLS{}) {
		return t
	}
	t.Clients = c.TLSClients
	if c.TLSMin == "1.2" {
		t.Min = tls.VersionTLS12
	}
	return t
}

// httpAddress takes bloc's form, tcp:PORT, as well.
func httpAddress(s string) string {
	port, ok := strings.CutPrefix(s, "tcp:")
	if ok && !strings.Contains(port, ":") {
		return "127.0.0.1:" + port
	}
	return port
}
