package outcome

import (
	"bytes"
	_ "embed"
	"html"
	"math"
	"text/template"
)

//go:embed chart.svg
var chartText string

// The measures of the chart, in its own units.
const (
	rowHeight = 26
	topHeight = 56
	axisLeft  = 380 // where the bars begin
	axisWidth = 480
)

// chart is what the template draws: a bar for each ratio, on a logarithmic scale.
type chart struct {
	Width, Height, Bottom int
	Title                 string
	Marks                 []mark
	Bars                  []bar
}

// mark is a vertical line of the scale.
type mark struct {
	X     float64
	Label string
	One   bool // here both are equal
}

// bar is one row. Without a ratio it has only its words.
type bar struct {
	Y, Text             int
	Label, Verdict      string
	X, Width, VerdictAt float64
	Wanted              float64 // where the ratio should be, 0 for nowhere
	Met                 bool
}

// Chart draws the ratios as SVG.
func (r Report) Chart() ([]byte, error) {
	shape, err := template.New("chart").Parse(chartText)
	if err != nil {
		return nil, err
	}
	c := chart{Width: axisLeft + axisWidth + 140, Bottom: topHeight + len(r.Rows)*rowHeight,
		Title: "caucus to its peers, as a ratio (logarithmic)"}
	c.Height = c.Bottom + 12
	low, high := r.span()
	at := func(ratio float64) float64 {
		return axisLeft + axisWidth*(math.Log10(ratio)-low)/(high-low)
	}
	for power := low; power <= high; power++ {
		c.Marks = append(c.Marks, mark{round(at(math.Pow(10, power))), ratio(math.Pow(10, power)), power == 0})
	}
	for i, row := range r.Rows {
		c.Bars = append(c.Bars, row.bar(topHeight+i*rowHeight, at))
	}
	var b bytes.Buffer
	err = shape.Execute(&b, c)
	return b.Bytes(), err
}

// span gives the powers of ten between which all that is drawn lies, a tenth to ten at least.
func (r Report) span() (low, high float64) {
	low, high = -1, 1
	for _, row := range r.Rows {
		for _, number := range []float64{row.shown(), row.Wanted.Least, row.Wanted.Most} {
			if number > 0 {
				low, high = min(low, math.Floor(math.Log10(number))), max(high, math.Ceil(math.Log10(number)))
			}
		}
	}
	return low, high
}

// shown gives the ratio, 0 when none may be shown.
func (r Row) shown() float64 {
	number, ok := r.Ratio()
	if !ok || r.Failed != "" || r.Missing != "" || r.Noise() != "" {
		return 0
	}
	return number
}

func (r Row) bar(y int, at func(float64) float64) bar {
	b := bar{Y: y, Text: y + rowHeight/2 + 4, Label: html.EscapeString(r.Work + ", against " + r.Against),
		Verdict: html.EscapeString(r.Verdict()), VerdictAt: round(at(1) + 6)}
	if wanted := max(r.Wanted.Least, r.Wanted.Most); wanted > 0 {
		b.Wanted = round(at(wanted))
	}
	if number := r.shown(); number > 0 {
		from, to := min(at(1), at(number)), max(at(1), at(number))
		b.X, b.Width, b.VerdictAt = round(from), round(to-from), round(to+6)
		b.Met = r.Wanted.Met(number)
	}
	return b
}

func round(x float64) float64 { return math.Round(x*10) / 10 }
