package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/caucus-project/caucus/bench/limits"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/servers"
	"github.com/caucus-project/caucus/bench/work"
)

func main() {
	if part, err := bePart(os.Args[1:]); part {
		exit(err)
	}
	o, err := flags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		_, usage, _ := strings.Cut(err.Error(), "\n")
		fmt.Print(usage)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = o.run(ctx, os.Stdout, newScreen(os.Stderr))
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bePart is what this program is when it starts itself: a member of etcd, one who leads a
// group, or a probe of the machine.
func bePart(args []string) (part bool, err error) {
	switch {
	case len(args) > 0 && args[0] == servers.EtcdMember:
		return true, servers.BeEtcdMember(args[1:])
	case len(args) > 0 && args[0] == work.Candidate:
		return true, work.BeCandidate(args[1:])
	case len(args) > 0 && args[0] == limits.Probe:
		return true, limits.BeProbe(args[1:])
	}
	return false, nil
}

// options say what is measured, and where the results go.
type options struct {
	repeat, shrink int
	seconds        float64
	only           *regexp.Regexp
	list           bool
	json, svg      string
	short          bool
	from           string
	dir, caucus    string
	long           time.Duration
}

func flags(args []string) (o options, err error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.IntVar(&o.repeat, "repeat", 5, "runs of either side for each row, in turn")
	set.Float64Var(&o.seconds, "seconds", 5, "length of a run")
	set.IntVar(&o.shrink, "shrink", 1, "divide numbers of members, watchers and keys by this, 10 at most, "+
		"to see whether all works; the figures say nothing then")
	set.StringVar(&o.json, "json", "", "write everything that was measured to this `file`, as JSON")
	set.BoolVar(&o.short, "short", false, "print only work, caucus, peer and ratio, as the README has them")
	set.StringVar(&o.from, "from", "", "measure nothing: show what is in this `file`, which -json wrote")
	set.StringVar(&o.svg, "svg", "", "draw the ratios into this `file`")
	set.StringVar(&o.dir, "dir", "", "`directory` for the data of all nodes, on the disk that is measured; by "+
		"default /tmp, or /var/tmp where that is in memory")
	set.StringVar(&o.caucus, "caucus", "", "measure this `binary` in place of what the source makes")
	set.BoolVar(&o.list, "list", false, "only list the rows")
	o.only = regexp.MustCompile("")
	set.Func("only", "measure the rows that match this `regexp`; limits is the one with those of the machine",
		func(text string) (err error) {
			o.only, err = regexp.Compile(text)
			return err
		})
	var said strings.Builder
	set.SetOutput(&said)
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return o, fmt.Errorf("%w\n%s", err, said.String())
	case err != nil:
		return o, fmt.Errorf("%w; bench -help lists what there is", err)
	}
	o.long = time.Duration(o.seconds * float64(time.Second))
	return o, o.validate(set.Args())
}

func (o options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("bench takes flags only, not %q; bench -help lists them", rest)
	case o.repeat < 1:
		return fmt.Errorf("-repeat is %d; one run at least", o.repeat)
	case o.shrink < 1 || o.shrink > 10:
		return fmt.Errorf("-shrink is %d; 1 to 10", o.shrink)
	case o.long <= 0 || o.long > time.Hour:
		return fmt.Errorf("-seconds is %g; more than nothing, an hour at most", o.seconds)
	}
	return nil
}

// limitsRow is the name by which -only chooses the limits of the machine.
const limitsRow = "limits"

// chosen gives the rows that are to be measured.
func (o options) chosen() (list []work.Work, err error) {
	for _, w := range work.All() {
		if o.only.MatchString(w.Name()) {
			list = append(list, w)
		}
	}
	if len(list) == 0 && !o.only.MatchString(limitsRow) {
		return nil, fmt.Errorf("no row matches -only %s; bench -list lists them", o.only)
	}
	return list, nil
}

// run measures what was chosen and writes it. When it is interrupted it writes the rows that are whole.
func (o options) run(ctx context.Context, out io.Writer, screen *screen) error {
	rows, err := o.chosen()
	if err != nil {
		return err
	}
	if o.list {
		return list(out, rows)
	}
	if o.from != "" {
		report, err := read(o.from)
		if err != nil {
			return err
		}
		return o.write(out, report)
	}
	house, leave, err := o.settle(ctx, screen)
	if err != nil {
		return err
	}
	report, err := o.measure(ctx, house, rows, screen)
	err = errors.Join(err, leave())
	screen.clear()
	return errors.Join(err, o.write(out, report))
}

func list(out io.Writer, rows []work.Work) error {
	for _, w := range rows {
		if _, err := fmt.Fprintln(out, w.Name()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, limitsRow)
	return err
}

func (o options) measure(ctx context.Context, house servers.House, rows []work.Work,
	screen *screen) (report outcome.Report, err error) {
	report.Machine = machine(ctx, house, o)
	if o.only.MatchString(limitsRow) || len(rows) == len(work.All()) {
		screen.say("limits of the machine")
		if report.Limits, err = o.limits(ctx, house); err != nil {
			return report, err
		}
	}
	for i, w := range rows {
		told := func(row outcome.Row, run int, side string) {
			screen.say("%d of %d  %s  run %d of %d: %s", i+1, len(rows), w.Name(), run, o.repeat, side)
		}
		row, failure := w.Measure(ctx, house, o.repeat, o.long, told)
		if ctx.Err() != nil {
			return report, errors.New("interrupted")
		}
		if failure != nil {
			row.Failed = failure.Error()
			err = errors.New("not every row could be measured")
		}
		report.Rows = append(report.Rows, row)
		screen.done("%s: %s", w.Name(), row.Brief())
	}
	return report, err
}

func (o options) limits(ctx context.Context, house servers.House) (list []outcome.Limit, err error) {
	for _, processes := range []int{1, 3} {
		l, err := limits.Sync(ctx, house.Self, house.Dir, processes, o.long)
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	trips, err := limits.Loopback(ctx, house.Self, o.long)
	return append(list, trips), err
}

// read reads what an earlier call has written with -json.
func read(file string) (report outcome.Report, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return report, err
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return report, fmt.Errorf("-from %s: %w; it is read as what -json writes", file, err)
	}
	return report, nil
}

// write prints the table and writes the files.
func (o options) write(out io.Writer, report outcome.Report) error {
	table := report.Table()
	if o.short {
		table = report.Short()
	}
	_, err := io.WriteString(out, table)
	if o.json != "" {
		text, jsonErr := json.MarshalIndent(report, "", "  ")
		err = errors.Join(err, jsonErr, os.WriteFile(o.json, append(text, '\n'), 0o644))
	}
	if o.svg != "" {
		picture, svgErr := report.Chart()
		err = errors.Join(err, svgErr, os.WriteFile(o.svg, picture, 0o644))
	}
	return err
}
