package outcome

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Report is everything that one call came to.
type Report struct {
	Machine []string `json:"machine"` // lines on the machine and on what was measured
	Limits  []Limit  `json:"limits"`
	Rows    []Row    `json:"rows"`
}

// Limit is what the machine itself can do.
type Limit struct {
	What      string  `json:"what"`
	PerSecond float64 `json:"per_second"`
	Half      float64 `json:"half_within_ms"`
}

var heads = []string{"work", "against", "unit", "caucus", "peer", "ratio", "wanted",
	"CPU s per million: caucus", "peer", "memory: caucus", "peer"}

// Table writes the report in Markdown, so that it can be read as it stands.
func (r Report) Table() string {
	var b strings.Builder
	for _, line := range r.Machine {
		fmt.Fprintln(&b, "-", line)
	}
	if len(r.Limits) > 0 {
		b.WriteString("\n" + aligned(r.limits()))
	}
	if len(r.Rows) > 0 {
		b.WriteString("\n" + aligned(r.rows()) + "\nMedian (least to most of all runs); the ratio is the " +
			"median over pairs of runs, caucus to peer. " + Rule + "\n")
	}
	for _, row := range r.Rows {
		switch why := row.Noise(); {
		case row.Failed != "":
			fmt.Fprintf(&b, "- failed: %s, against %s: %s\n", row.Work, row.Against, row.Failed)
		case why != "":
			fmt.Fprintf(&b, "- noisy: %s, against %s: %s\n", row.Work, row.Against, why)
		}
	}
	return b.String()
}

func (r Report) limits() [][]string {
	table := [][]string{{"limit of the machine", "per second", "half within"}}
	for _, l := range r.Limits {
		table = append(table, []string{l.What, thousands(l.PerSecond), digits(l.Half) + " ms"})
	}
	return table
}

func (r Report) rows() [][]string {
	table := [][]string{heads}
	for _, row := range r.Rows {
		table = append(table, row.cells())
	}
	return table
}

func (r Row) cells() []string {
	return []string{r.Work, r.Against, string(r.Unit), r.values(r.Ours), r.values(r.Theirs), r.Verdict(),
		r.Wanted.String(), cpu(r.Ours), cpu(r.Theirs), held(r.Ours), held(r.Theirs)}
}

// values writes the median of a side and its spread.
func (r Row) values(samples []Sample) string {
	if len(samples) == 0 {
		return ""
	}
	all, times := each(samples, value), 0
	for _, s := range samples {
		times += s.Times
	}
	text := fmt.Sprintf("%s (%s to %s)", r.Unit.show(Median(all)), r.Unit.show(slices.Min(all)),
		r.Unit.show(slices.Max(all)))
	if times > 0 {
		text += fmt.Sprintf(", worst of %d: %s", times, digits(worst(samples)))
	}
	return text
}

// Short writes the rows as a table of the medians and the ratio alone, for readers in a hurry.
func (r Report) Short() string {
	table := [][]string{{"work", "caucus", "peer", "ratio"}}
	for _, row := range r.Rows {
		peer := row.Against
		if len(row.Theirs) > 0 {
			peer += ": " + row.middle(row.Theirs)
		}
		table = append(table, []string{row.Work, row.middle(row.Ours), peer, row.Verdict()})
	}
	return aligned(table)
}

// middle writes the median of a side and its unit.
func (r Row) middle(samples []Sample) string {
	if len(samples) == 0 {
		return ""
	}
	return r.Unit.show(Median(each(samples, value))) + " " + string(r.Unit)
}

func cpu(samples []Sample) string {
	if median := Median(each(samples, perMillion)); median > 0 {
		return digits(median)
	}
	return ""
}

func held(samples []Sample) string {
	if median := Median(each(samples, func(s Sample) float64 { return float64(s.Memory) })); median > 0 {
		return memory(median)
	}
	return ""
}

// aligned writes a table whose columns stand below each other. Its first row is the heads.
func aligned(table [][]string) string {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], 3, utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range table {
		for i, cell := range row {
			b.WriteString("| " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
		}
		b.WriteString("|\n")
		for i := range row {
			if n == 0 {
				b.WriteString("| " + strings.Repeat("-", widths[i]) + " ")
			}
		}
		if n == 0 {
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// Brief is the row in a few words, for those who wait for the table.
func (r Row) Brief() string {
	brief := r.values(r.Ours)
	if len(r.Theirs) > 0 {
		brief += " against " + r.values(r.Theirs)
	}
	return brief + " " + string(r.Unit) + ", ratio " + r.Verdict()
}
