package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/doctor"
	"github.com/caucus-project/caucus/internal/overview"
)

// doctorCmd asks every node how it is, and says what should be done.
type doctorCmd struct {
	ensembleFlags
	JSON   bool `name:"json" help:"As JSON, for programs."`
	Strict bool `help:"Status 1 for warnings as well."`
}

// diagnosis is what is printed with --json.
type diagnosis struct {
	Cluster  string           `json:"cluster_id"`
	Name     string           `json:"name"` // of the node that showed the ensemble
	State    doctor.State     `json:"state"`
	Findings []doctor.Finding `json:"findings"`
}

// Run asks, judges and shows. It fails when something is bad.
func (c *doctorCmd) Run(ctx context.Context) error {
	s, err := c.overview(ctx)
	if err != nil {
		return err
	}
	all := doctor.Examine(time.Now(), s, c.visit(ctx, s))
	d := diagnosis{s.Cluster, s.Name, doctor.Worst(all), all}
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		err = out.Encode(d)
	} else {
		err = printDiagnosis(newScreen(os.Stdout), d)
	}
	if err == nil && (d.State == doctor.Bad || d.State == doctor.Warn && c.Strict) {
		err = &exitStatus{exitFailed, nil}
	}
	return err
}

// visit asks all nodes at once, and who else is at an address that the operator named.
func (c *doctorCmd) visit(ctx context.Context, s *overview.Ensemble) []doctor.Told {
	var told []doctor.Told
	for _, n := range s.Nodes {
		told = append(told, doctor.Told{Addr: n.Addr, Name: n.Name})
	}
	for _, addr := range c.Addr {
		if !slices.ContainsFunc(told, func(t doctor.Told) bool { return t.Addr == addr }) {
			told = append(told, doctor.Told{Addr: addr})
		}
	}
	var visits sync.WaitGroup
	for i := range told {
		visits.Go(func() { c.visitOne(ctx, &told[i]) })
	}
	visits.Wait()
	return told
}

// visitPatience is how long one node may take to answer.
const visitPatience = 3 * time.Second

// visitOne has one node tell how it is, and tries whether it also would to a stranger.
func (c *doctorCmd) visitOne(ctx context.Context, t *doctor.Told) {
	cfg, err := c.config()
	if err == nil {
		cfg.Addrs, cfg.AddrsOnly, cfg.Once, cfg.Timeout = []string{t.Addr}, true, true, visitPatience
		t.Info, err = infoOf(ctx, cfg)
	}
	if err != nil {
		t.Error = err.Error()
		return
	}
	cfg.User, cfg.Password = "", ""
	if cfg.TLS != nil {
		cfg.TLS = cfg.TLS.Clone()
		cfg.TLS.Certificates = nil
	}
	_, err = infoOf(ctx, cfg)
	t.Open = err == nil
}

// infoOf asks one node for all of INFO.
func infoOf(ctx context.Context, cfg client.Config) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, visitPatience)
	defer cancel()
	cl, err := client.Dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	fields, err := infoFields(ctx, cl, "everything")
	if err != nil {
		return nil, err
	}
	if fields["cluster_id"] == "" {
		return nil, errors.New("what answers there is no node of caucus")
	}
	return fields, nil
}

// printDiagnosis writes a table for people: what is well in short, and what is not with what to do about it.
func printDiagnosis(screen *screen, d diagnosis) error {
	table := tabwriter.NewWriter(screen.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "ensemble %s, as %s shows it\n\n", d.Cluster, d.Name)
	for _, f := range d.Findings {
		subject := f.Found
		if f.Node != "" {
			subject = f.Node + ": " + f.Found
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", screen.judged(f.State), f.Check, subject)
		if f.Do != "" {
			fmt.Fprintf(table, "%s\t\t%s\n", screen.judged(""), "-> "+f.Do)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	last := "all is well"
	switch d.State {
	case doctor.Warn:
		last = "there is something to look at"
	case doctor.Bad:
		last = "there is something to do"
	}
	_, err := io.WriteString(screen.out, "\n"+last+"\n")
	return err
}

// judged colours a state, all to the same width of bytes, so that the table stays straight.
func (s *screen) judged(state doctor.State) string {
	code := map[doctor.State]string{doctor.OK: "0;32", doctor.Warn: "1;33", doctor.Bad: "1;31",
		"": "0;39"}[state]
	return s.style(code, fmt.Sprintf("%-4s", state))
}
