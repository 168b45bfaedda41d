package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/overview"
)

// nodeCmd is what an operator does with the set of nodes.
type nodeCmd struct {
	List     nodeListCmd     `cmd:"" help:"Show all nodes."`
	Add      nodeAddCmd      `cmd:"" help:"Expect a node of that name at that client address: it is let in when it asks with --join, also in place of a dead one."`
	Remove   nodeRemoveCmd   `cmd:"" help:"Remove a node, dead or not; one that leads hands over first."`
	Transfer nodeTransferCmd `cmd:"" help:"Have a node lead: both the log and the group of the nodes."`
}

type nodeListCmd struct {
	ensembleFlags
	JSON bool `name:"json" help:"As JSON, for programs."`
}

type nodeAddCmd struct {
	ensembleFlags
	Name  string `arg:"" help:"The node's --id."`
	Place string `arg:"" name:"client-address" help:"The node's client address, HOST:PORT."`
}

type nodeRemoveCmd struct {
	ensembleFlags
	Name string `arg:"" help:"The node's --id."`
}

type nodeTransferCmd struct {
	ensembleFlags
	Name string `arg:"" help:"The node's --id."`
}

// Run adds a name to those that are let in.
func (c *nodeAddCmd) Run(ctx context.Context) error {
	if err := c.ask(ctx, "ADD_NODE", c.Name, c.Place); err != nil {
		return err
	}
	fmt.Printf("%s is expected at %s; start it there with --id %s --join and the address of any node\n",
		c.Name, c.Place, c.Name)
	return nil
}

// Run removes a node.
func (c *nodeRemoveCmd) Run(ctx context.Context) error {
	if err := c.ask(ctx, "DEL_NODE", c.Name); err != nil {
		return err
	}
	fmt.Printf("%s is removed; its data directory is of no use any more\n", c.Name)
	return nil
}

// Run hands the leadership over.
func (c *nodeTransferCmd) Run(ctx context.Context) error {
	if err := c.ask(ctx, "ENSEMBLE", "TRANSFER", c.Name); err != nil {
		return err
	}
	fmt.Printf("%s leads\n", c.Name)
	return nil
}

// ask carries out one command that has nothing to tell but that it is done. The node tries for as long as its
// --request-timeout; what it says then is for the operator to read.
func (f *ensembleFlags) ask(ctx context.Context, words ...string) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	cfg.Once, cfg.Timeout = true, 30*time.Second
	cl, err := f.dialAs(ctx, cfg)
	if err != nil {
		return err
	}
	defer cl.Close()
	_, err = cl.Do(ctx, words)
	return err
}

// Run shows the nodes, as the leader knows them if it can be reached.
func (c *nodeListCmd) Run(ctx context.Context) error {
	s, err := c.overview(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(rows(s))
	}
	expected, err := c.expected(ctx)
	if err != nil {
		return err
	}
	return errors.Join(printNodes(os.Stdout, s), writeAll(os.Stdout, expected))
}

// expected tells whom node add has announced and who has not come yet.
func (f *ensembleFlags) expected(ctx context.Context) (lines []string, err error) {
	cl, err := f.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	fields, err := infoFields(ctx, cl, "ensemble")
	if err != nil || fields["expected_nodes"] == "" {
		return nil, err
	}
	for one := range strings.SplitSeq(fields["expected_nodes"], ",") {
		name, addr, _ := strings.Cut(one, "=")
		lines = append(lines, fmt.Sprintf("expected: %s at %s; if it is not to come: caucus node remove %s",
			name, addr, name))
	}
	return lines, nil
}

// printNodes writes a table for people, and what they should know of it.
func printNodes(w io.Writer, s *overview.Ensemble) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tROLE\tLEADS\tCLIENTS\tPEERS\tLAG\tHEARD\tVERSION")
	for _, n := range s.Nodes {
		heard := orDash(n.Contact)
		if n.Contact != nil {
			heard += " ms ago"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, n.Role, leads(s, n.Name), n.Addr, n.Peer,
			orDash(n.Lag), heard, n.Version)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return writeAll(w, nodeWarnings(rows(s)))
}

// leads says what a node leads: the log, the group of the nodes, of which programs speak, or both.
func leads(s *overview.Ensemble, name string) string {
	var what []string
	if s.Leader != nil && *s.Leader == name {
		what = append(what, "log")
	}
	for _, g := range s.Groups {
		if g.Name == machine.NodesGroup && g.Leader != nil && *g.Leader == name {
			what = append(what, g.Name)
		}
	}
	return cmp.Or(strings.Join(what, ","), "-")
}

func orDash(n *uint64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatUint(*n, 10)
}

func writeAll(w io.Writer, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// nodeWarnings says what an operator should do something about (SAFETY B4).
func nodeWarnings(rows []overview.Row) (lines []string) {
	learners, away, led := 0, 0, false
	for _, n := range rows {
		switch n.Role {
		case "learner":
			learners++
		case "unreachable":
			away++
		case "leader":
			led = true
		}
	}
	if !led {
		lines = append(lines, "warning: no leader is known; a majority of the voters must reach each other")
	}
	if away > 0 {
		lines = append(lines, "warning: a node cannot be reached; if it is gone for good: caucus node remove NAME")
	}
	if len(rows)-learners == 2 {
		lines = append(lines, "warning: two voters tolerate no loss; add a third node")
	}
	return lines
}
