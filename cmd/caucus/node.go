package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// nodeCmd is what an operator does with the set of nodes.
type nodeCmd struct {
	List     nodeListCmd     `cmd:"" help:"Show all nodes."`
	Add      nodeAddCmd      `cmd:"" help:"Expect a node of that name at that client address: it is let in when it asks with --join, also in place of a dead one."`
	Remove   nodeRemoveCmd   `cmd:"" help:"Remove a node, dead or not; one that leads hands over first."`
	Transfer nodeTransferCmd `cmd:"" help:"Hand the leadership to a node."`
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

// nodeRow is a node as ENSEMBLE NODES describes it; nil is what nobody could tell.
type nodeRow struct {
	Name     string  `json:"name"`
	ID       uint64  `json:"id"`
	Role     string  `json:"role"`
	Addr     string  `json:"addr"`
	Peer     string  `json:"peer"`
	HTTP     string  `json:"http"`
	Metadata string  `json:"metadata"`
	Term     *uint64 `json:"term"`
	Index    *uint64 `json:"index"`
	Applied  *uint64 `json:"applied"`
	Lag      *uint64 `json:"lag"`
	Contact  *uint64 `json:"contact_ms"`
	Version  string  `json:"version"`
	Level    uint64  `json:"level"`
}

// Run shows the nodes, as the leader knows them if it can be reached.
func (c *nodeListCmd) Run(ctx context.Context) error {
	rows, err := c.nodes(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(rows)
	}
	expected, err := c.expected(ctx)
	if err != nil {
		return err
	}
	return errors.Join(printNodes(os.Stdout, rows), writeAll(os.Stdout, expected))
}

// expected tells whom node add has announced and who has not come yet.
func (f *ensembleFlags) expected(ctx context.Context) (lines []string, err error) {
	cl, err := f.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	reply, err := cl.Do(ctx, caucus.Command{"INFO", "ensemble"})
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(reply.Text()) {
		list, ok := strings.CutPrefix(strings.TrimSpace(line), "expected_nodes:")
		if !ok || list == "" {
			continue
		}
		for one := range strings.SplitSeq(list, ",") {
			name, addr, _ := strings.Cut(one, "=")
			lines = append(lines, fmt.Sprintf("expected: %s at %s; if it is not to come: caucus node remove %s",
				name, addr, name))
		}
	}
	return lines, nil
}

// nodes asks any node, and then the leader, who alone knows how far the others are.
func (f *ensembleFlags) nodes(ctx context.Context) ([]nodeRow, error) {
	cfg, err := f.config()
	if err != nil {
		return nil, err
	}
	cl, err := f.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	rows, err := nodesOf(ctx, cl)
	i := slices.IndexFunc(rows, func(n nodeRow) bool { return n.Role == "leader" })
	if err != nil || i < 0 || rows[i].Lag != nil && len(rows) == 1 {
		return rows, err
	}
	cfg.Addrs, cfg.Timeout = []string{rows[i].Addr}, time.Second
	lead, err := client.Dial(ctx, cfg)
	if err != nil {
		return rows, nil // its address may be of use to the nodes only
	}
	defer lead.Close()
	if better, err := nodesOf(ctx, lead); err == nil {
		return better, nil
	}
	return rows, nil
}

func nodesOf(ctx context.Context, cl *client.Client) ([]nodeRow, error) {
	reply, err := cl.Do(ctx, caucus.Command{"ENSEMBLE", "NODES"})
	if err != nil {
		return nil, err
	}
	rows := make([]nodeRow, len(reply.Items))
	for i, item := range reply.Items {
		rows[i].read(item)
	}
	return rows, nil
}

// read takes the fields that it knows from a map.
func (n *nodeRow) read(reply caucus.Reply) {
	texts := map[string]*string{"name": &n.Name, "role": &n.Role, "addr": &n.Addr, "peer": &n.Peer,
		"http": &n.HTTP, "metadata": &n.Metadata, "version": &n.Version}
	numbers := map[string]**uint64{"term": &n.Term, "index": &n.Index, "applied": &n.Applied, "lag": &n.Lag,
		"contact_ms": &n.Contact}
	counts := map[string]*uint64{"id": &n.ID, "level": &n.Level}
	for i := 0; i+1 < len(reply.Items); i += 2 {
		name, value := reply.Items[i].Text(), reply.Items[i+1]
		if text := texts[name]; text != nil {
			*text = value.Text()
		}
		if number := numbers[name]; number != nil && !value.IsNil() {
			*number = new(uint64(max(0, value.Int)))
		}
		if count := counts[name]; count != nil {
			*count = uint64(max(0, value.Int))
		}
	}
}

// printNodes writes a table for people, and what they should know of it.
func printNodes(w io.Writer, rows []nodeRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tROLE\tCLIENTS\tPEERS\tLAG\tHEARD\tVERSION")
	for _, n := range rows {
		heard := orDash(n.Contact)
		if n.Contact != nil {
			heard += " ms ago"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, n.Role, n.Addr, n.Peer, orDash(n.Lag), heard,
			n.Version)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return writeAll(w, nodeWarnings(rows))
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
func nodeWarnings(rows []nodeRow) (lines []string) {
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
