package outcome

import (
	"fmt"
	"slices"
)

// Sample is one run of one side.
type Sample struct {
	Value      float64 `json:"value"` // in the unit of its row
	Half       float64 `json:"half_within_ms"`
	Most       float64 `json:"99_percent_within_ms"`
	Times      int     `json:"times,omitempty"`    // what the value is the median of, where each counts
	Worst      float64 `json:"worst_ms,omitempty"` // of them
	Operations uint64  `json:"operations"`
	Fewest     uint64  `json:"operations_of_a_caller_least"` // of them; 0 where that is not counted
	Busiest    uint64  `json:"operations_of_a_caller_most"`
	CPU        float64 `json:"servers_cpu_seconds"`
	Generator  float64 `json:"generator_cpu_seconds"`
	Memory     int64   `json:"servers_memory_bytes"`
	Foreign    float64 `json:"foreign_cpu_share"` // of all CPUs, 0 to 1, used by others than who was measured
}

// Row is one line of the table: one work, done by caucus and by a peer in turn.
type Row struct {
	Work    string   `json:"work"`
	Against string   `json:"against"`
	Unit    Unit     `json:"unit"`
	Wanted  Wanted   `json:"wanted"`
	Bears   float64  `json:"bears_spread"`      // most over least of a side's runs that is no noise; 0 is 2
	Missing string   `json:"missing,omitempty"` // why the peer was not measured
	Failed  string   `json:"failed,omitempty"`  // what went wrong
	Ours    []Sample `json:"caucus"`
	Theirs  []Sample `json:"peer"`
}

// Wanted is what the ratio should be: at least so much, or at most. The zero value wants nothing.
type Wanted struct {
	Least float64 `json:"at_least,omitempty"`
	Most  float64 `json:"at_most,omitempty"`
	Worst float64 `json:"worst_ms_at_most,omitempty"` // for caucus, each single time of all runs
}

// String gives it as the table has it.
func (w Wanted) String() string {
	switch {
	case w.Least > 0:
		return "≥ " + ratio(w.Least)
	case w.Worst > 0:
		return "≤ " + ratio(w.Most) + ", worst ≤ " + digits(w.Worst) + " ms"
	case w.Most > 0:
		return "≤ " + ratio(w.Most)
	}
	return ""
}

// Met says whether a ratio is as wanted.
func (w Wanted) Met(r float64) bool {
	return (w.Least == 0 || r >= w.Least) && (w.Most == 0 || r <= w.Most)
}

// Median gives the middle one of some numbers, between the two middle ones of an even count; 0 of none.
func Median(numbers []float64) float64 {
	sorted := slices.Sorted(slices.Values(numbers))
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// each gives one number of every sample.
func each(samples []Sample, number func(Sample) float64) []float64 {
	numbers := make([]float64, len(samples))
	for i, s := range samples {
		numbers[i] = number(s)
	}
	return numbers
}

func value(s Sample) float64   { return s.Value }
func foreign(s Sample) float64 { return s.Foreign }

// perMillion gives the CPU seconds of all servers for a million operations.
func perMillion(s Sample) float64 {
	if s.Operations == 0 {
		return 0
	}
	return s.CPU / float64(s.Operations) * 1e6
}

// worst gives the longest of all single times of a side.
func worst(samples []Sample) float64 {
	return slices.Max(append(each(samples, func(s Sample) float64 { return s.Worst }), 0))
}

// Ratio gives the median of what caucus had over what the peer had in the run beside it. It is false
// when nothing can be compared.
func (r Row) Ratio() (float64, bool) {
	var ratios []float64
	for i := range min(len(r.Ours), len(r.Theirs)) {
		if r.Theirs[i].Value > 0 {
			ratios = append(ratios, r.Ours[i].Value/r.Theirs[i].Value)
		}
	}
	return Median(ratios), len(ratios) > 0
}

// What a ratio bears.
const (
	bearsSpread  = 2.0  // most over least of the runs of a side
	bearsForeign = 0.10 // of all CPUs, used by others, in the median run of a side
)

// Rule is the rule by which a row is noisy, in words.
var Rule = fmt.Sprintf("A ratio stands only where the runs of either side differ by a factor of %g at most "+
	"(the rows that bear more say so), and where other processes used less than %.0f %% of the CPUs in the "+
	"median run of either side; else the row is noisy.", bearsSpread, bearsForeign*100)

// Noise says why no ratio of the row can be trusted; "" when one can.
func (r Row) Noise() string {
	bears := r.Bears
	if bears == 0 {
		bears = bearsSpread
	}
	for _, side := range []struct {
		name    string
		samples []Sample
	}{{"caucus", r.Ours}, {r.Against, r.Theirs}} {
		if len(side.samples) == 0 {
			continue
		}
		values := each(side.samples, value)
		if least, most := slices.Min(values), slices.Max(values); most > bears*least {
			return fmt.Sprintf("runs of %s differ by a factor of %s, more than %s", side.name, ratio(most/least),
				ratio(bears))
		}
		if share := Median(each(side.samples, foreign)); share >= bearsForeign {
			return fmt.Sprintf("other processes used %.0f %% of the CPUs while %s ran, %.0f %% or more",
				share*100, side.name, bearsForeign*100)
		}
	}
	return ""
}

// Verdict is what the table has in the place of the ratio: it, or why there is none.
func (r Row) Verdict() string {
	number, ok := r.Ratio()
	switch {
	case r.Failed != "":
		return "failed"
	case r.Missing != "":
		return r.Missing
	case !ok:
		return ""
	case r.Noise() != "":
		return "noisy"
	case !r.Wanted.Met(number), r.Wanted.Worst > 0 && worst(r.Ours) > r.Wanted.Worst:
		return ratio(number) + " (missed)"
	}
	return ratio(number)
}
