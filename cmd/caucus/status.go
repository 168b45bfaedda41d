package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// statusCmd shows the ensemble as a whole. Without a quorum it shows what one node knows, and fails.
type statusCmd struct {
	ensembleFlags
	JSON bool `name:"json" help:"As JSON, for programs."`
}

// ensembleStatus is what status shows, in the form of WIRE "HTTP". What nobody could tell is null.
type ensembleStatus struct {
	Cluster string        `json:"cluster_id"`
	Name    string        `json:"name"` // of the node that was asked
	Leader  *string       `json:"leader"`
	Term    uint64        `json:"term"`
	Commit  uint64        `json:"commit"`
	Quorum  bool          `json:"quorum"`
	Time    int64         `json:"time"` // unix milliseconds, on the ensemble's clock
	Nodes   []nodeStatus  `json:"nodes"`
	Groups  []groupStatus `json:"groups"`
}

type nodeStatus struct {
	nodeRow
	Sessions    *uint64 `json:"sessions"`
	Connections *uint64 `json:"connections"`
}

type groupStatus struct {
	Name   string  `json:"name"`
	State  string  `json:"state"`
	Size   int64   `json:"size"`
	Total  int64   `json:"total"`
	Epoch  int64   `json:"epoch"`
	Leader *string `json:"leader"`
	Term   int64   `json:"term"`
	Slots  int64   `json:"slots"`
}

// quorumTime is how long a linearizable read may take before there is said to be no quorum: several
// elections.
const quorumTime = 3 * time.Second

// Run asks and shows.
func (c *statusCmd) Run(ctx context.Context) error {
	s, err := c.gather(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		err = out.Encode(s)
	} else {
		err = s.print(newScreen(os.Stdout))
	}
	if err == nil && !s.Quorum {
		err = errors.New("no quorum: what is shown is what one node knows, and may be old")
	}
	return err
}

// gather asks one node about the ensemble, each node about itself, and a quorum about the groups.
func (c *statusCmd) gather(ctx context.Context) (*ensembleStatus, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	cfg.Once = true
	cl, err := c.dialAs(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	s := new(ensembleStatus)
	if err := s.askNode(ctx, cl); err != nil {
		return nil, err
	}
	rows, err := c.nodes(ctx)
	if err != nil {
		return nil, err
	}
	s.takeNodes(ctx, cfg, rows)
	return s, s.askGroups(ctx, cfg, cl)
}

// askNode reads what any node can tell of itself.
func (s *ensembleStatus) askNode(ctx context.Context, cl *client.Client) error {
	reply, err := cl.Do(ctx, caucus.Command{"INFO", "json"})
	if err != nil {
		return err
	}
	var info struct {
		NID     string `json:"nid"`
		Term    uint64 `json:"term"`
		Index   uint64 `json:"index"`
		Cluster string `json:"cluster_id"`
	}
	if err := json.Unmarshal([]byte(reply.Text()), &info); err != nil {
		return fmt.Errorf("INFO json: %w", err)
	}
	s.Cluster, s.Name, s.Term, s.Commit = info.Cluster, info.NID, info.Term, info.Index
	reply, err = cl.Do(ctx, caucus.Command{"TIME"})
	if err != nil {
		return err
	}
	var seconds, micros int64
	if _, err := fmt.Sscan(textOf(reply, 0)+" "+textOf(reply, 1), &seconds, &micros); err != nil {
		return fmt.Errorf("TIME: %w", err)
	}
	s.Time = seconds*1000 + micros/1000
	return nil
}

func textOf(reply caucus.Reply, i int) string {
	if i >= len(reply.Items) {
		return ""
	}
	return reply.Items[i].Text()
}

// takeNodes asks each node that can be reached how many sessions and connections it has.
func (s *ensembleStatus) takeNodes(ctx context.Context, cfg client.Config, rows []nodeRow) {
	s.Nodes = make([]nodeStatus, len(rows))
	var all sync.WaitGroup
	for i, row := range rows {
		s.Nodes[i].nodeRow = row
		if row.Role == "leader" {
			s.Leader = &row.Name
		}
		if row.Role != "unreachable" {
			all.Go(func() { s.Nodes[i].count(ctx, cfg) })
		}
	}
	all.Wait()
}

// count asks the node what it has to do. It may not say: its address may be of use to the nodes only.
func (n *nodeStatus) count(ctx context.Context, cfg client.Config) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	cfg.Addrs = []string{n.Addr}
	cl, err := client.Dial(ctx, cfg)
	if err != nil {
		return
	}
	defer cl.Close()
	reply, err := cl.Do(ctx, caucus.Command{"INFO", "clients", "ensemble"})
	if err != nil {
		return
	}
	for line := range strings.Lines(reply.Text()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		count, err := strconv.ParseUint(value, 10, 64)
		switch {
		case err != nil:
		case name == "connected_clients":
			n.Connections = &count
		case name == "sessions_here":
			n.Sessions = &count
		}
	}
}

// askGroups reads the groups through a quorum, and without one as the node has them.
func (s *ensembleStatus) askGroups(ctx context.Context, cfg client.Config, cl *client.Client) error {
	within, cancel := context.WithTimeout(ctx, quorumTime)
	defer cancel()
	groups, err := groupsOf(within, cl)
	s.Groups, s.Quorum = groups, err == nil
	unanswered := errors.Is(err, caucus.ErrTryAgain) || errors.Is(err, caucus.ErrUncertain) ||
		errors.Is(err, context.DeadlineExceeded)
	if ctx.Err() != nil || !unanswered {
		return err
	}
	cfg.Stale = true
	old, err := client.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer old.Close()
	s.Groups, err = groupsOf(ctx, old)
	return err
}

// asked is how many groups are asked about at once.
const asked = 64

func groupsOf(ctx context.Context, cl *client.Client) ([]groupStatus, error) {
	names, err := cl.Do(ctx, caucus.Command{"GROUP", "LIST"})
	if err != nil {
		return nil, err
	}
	groups, failed := make([]groupStatus, len(names.Items)), make([]error, len(names.Items))
	var all sync.WaitGroup
	room := make(chan struct{}, asked)
	for i, name := range names.Items {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			reply, err := cl.Do(ctx, caucus.Command{"GROUP", "INFO", name.Text()})
			if failed[i] = err; err == nil {
				groups[i].read(reply)
			}
		})
	}
	all.Wait()
	for _, err := range failed {
		if err != nil && !errors.Is(err, caucus.ErrNoGroup) {
			return nil, err
		}
	}
	// A group that has vanished meanwhile has no name.
	return slices.DeleteFunc(groups, func(g groupStatus) bool { return g.Name == "" }), nil
}

func (g *groupStatus) read(info caucus.Reply) {
	numbers := map[string]*int64{"size": &g.Size, "total": &g.Total, "epoch": &g.Epoch, "term": &g.Term,
		"slots": &g.Slots}
	for i := 0; i+1 < len(info.Items); i += 2 {
		value := info.Items[i+1]
		switch name := info.Items[i].Text(); name {
		case "name":
			g.Name = value.Text()
		case "state":
			g.State = value.Text()
		case "leader":
			if !value.IsNil() && value.Text() != "" {
				g.Leader = new(value.Text())
			}
		default:
			if number := numbers[name]; number != nil {
				*number = value.Int
			}
		}
	}
}

// print writes tables for people.
func (s *ensembleStatus) print(screen *screen) error {
	var text bytes.Buffer
	quorum := "yes"
	if !s.Quorum {
		quorum = "NONE"
	}
	fmt.Fprintf(&text, "ensemble %s, term %d, commit %d, quorum %s, %s\n\n", s.Cluster, s.Term, s.Commit, quorum,
		time.UnixMilli(s.Time).UTC().Format(time.RFC3339))
	rows := make([]nodeRow, len(s.Nodes))
	for i, n := range s.Nodes {
		rows[i] = n.nodeRow
	}
	err := errors.Join(printNodes(&text, rows), writeAll(&text, lagWarnings(rows)), s.printGroups(&text))
	if err != nil {
		return err
	}
	return writeAll(screen.out, []string{screen.heed(text.String())})
}

// farBehind is how many entries a node may lack before it is worth a word.
const farBehind = 10_000

func lagWarnings(rows []nodeRow) (lines []string) {
	for _, n := range rows {
		if n.Lag != nil && *n.Lag > farBehind {
			lines = append(lines, fmt.Sprintf("warning: %s is %d entries behind", n.Name, *n.Lag))
		}
	}
	return lines
}

func (s *ensembleStatus) printGroups(w io.Writer) error {
	if len(s.Groups) == 0 {
		_, err := fmt.Fprint(w, "\nno groups")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\nGROUP\tSTATE\tSIZE\tTOTAL\tEPOCH\tLEADER\tTERM\tSLOTS")
	for _, g := range s.Groups {
		leader := "-"
		if g.Leader != nil {
			leader = *g.Leader
		}
		fmt.Fprintf(table, "\n%s\t%s\t%d\t%d\t%d\t%s\t%d\t%d", g.Name, g.State, g.Size, g.Total, g.Epoch, leader,
			g.Term, g.Slots)
	}
	return table.Flush()
}

// heed colours what to look at first, if there are colours: the widths of tables stay as they are.
func (s *screen) heed(text string) string {
	return strings.NewReplacer("warning:", s.bad("warning:"), "quorum NONE", s.bad("quorum NONE"),
		"  unreachable  ", "  "+s.bad("unreachable")+"  ", "  leader ", "  "+s.good("leader")+" ").Replace(text)
}
