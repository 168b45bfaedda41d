package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/overview"
)

// statusCmd shows the ensemble as a whole. Without a quorum it shows what one node knows, and fails.
type statusCmd struct {
	ensembleFlags
	JSON  bool          `name:"json" help:"As JSON, for programs; with --watch a line each time."`
	Watch bool          `short:"w" help:"Again and again: in a terminal a picture drawn anew, and a line for each change."`
	Every time.Duration `help:"How often, with --watch." default:"1s" placeholder:"1s"`
}

// Validate looks at what can be judged before anything is done; kong calls it.
func (c *statusCmd) Validate() error {
	if c.Every < 100*time.Millisecond {
		return fmt.Errorf("--every must be 100ms at least, not %v", c.Every)
	}
	return nil
}

// Run asks and shows.
func (c *statusCmd) Run(ctx context.Context) error {
	if c.Watch {
		return c.watch(ctx)
	}
	s, err := c.overview(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		err = out.Encode(s)
	} else {
		err = printStatus(newScreen(os.Stdout), s)
	}
	if err == nil && !s.Quorum {
		err = errors.New("no quorum: what is shown is what one node knows, and may be old")
	}
	return err
}

// overview asks one node about the ensemble, which asks the others. Without a quorum it shows what that node
// knows.
func (f *ensembleFlags) overview(ctx context.Context) (*overview.Ensemble, error) {
	cfg, err := f.config()
	if err != nil {
		return nil, err
	}
	cfg.Once, cfg.Timeout = true, 30*time.Second
	cl, err := f.dialAs(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	return overviewBy(ctx, cl)
}

// overviewBy asks whichever node the client has reached.
func overviewBy(ctx context.Context, cl *client.Client) (*overview.Ensemble, error) {
	reply, err := cl.Do(ctx, caucus.Command{"ENSEMBLE", "STATUS"})
	if err != nil {
		return nil, err
	}
	s := new(overview.Ensemble)
	if err := json.Unmarshal([]byte(reply.Text()), s); err != nil {
		return nil, fmt.Errorf("ENSEMBLE STATUS: %w", err)
	}
	return s, nil
}

// rows gives what of the nodes the table of nodes shows.
func rows(s *overview.Ensemble) []overview.Row {
	rows := make([]overview.Row, len(s.Nodes))
	for i, n := range s.Nodes {
		rows[i] = n.Row
	}
	return rows
}

// printStatus writes tables for people.
func printStatus(screen *screen, s *overview.Ensemble) error {
	var text bytes.Buffer
	if err := writeStatus(&text, s); err != nil {
		return err
	}
	return writeAll(screen.out, []string{screen.heed(text.String())})
}

func writeStatus(text *bytes.Buffer, s *overview.Ensemble) error {
	quorum := "yes"
	if !s.Quorum {
		quorum = "NONE"
	}
	fmt.Fprintf(text, "ensemble %s, term %d, commit %d, quorum %s, %s\n\n", s.Cluster, s.Term, s.Commit, quorum,
		time.UnixMilli(s.Time).UTC().Format(time.RFC3339))
	nodes := rows(s)
	return errors.Join(printNodes(text, s), writeAll(text, lagWarnings(nodes)), printGroups(text, s.Groups))
}

// farBehind is how many entries a node may lack before it is worth a word.
const farBehind = 10_000

func lagWarnings(rows []overview.Row) (lines []string) {
	for _, n := range rows {
		if n.Lag != nil && *n.Lag > farBehind {
			lines = append(lines, fmt.Sprintf("warning: %s is %d entries behind", n.Name, *n.Lag))
		}
	}
	return lines
}

func printGroups(w io.Writer, groups []overview.Group) error {
	if len(groups) == 0 {
		_, err := fmt.Fprint(w, "\nno groups")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\nGROUP\tSTATE\tSIZE\tTOTAL\tEPOCH\tLEADER\tTERM\tSLOTS")
	for _, g := range groups {
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
