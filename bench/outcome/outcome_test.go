package outcome

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func samples(values ...float64) (list []Sample) {
	for _, v := range values {
		list = append(list, Sample{Value: v, Operations: 2_000_000, CPU: 3, Memory: 5 << 20})
	}
	return list
}

func quiet(ours, theirs []Sample) Row {
	return Row{Work: "SET", Against: "etcd put", Unit: PerSecond, Wanted: Wanted{Least: 6}, Ours: ours,
		Theirs: theirs}
}

func free(ours, theirs []Sample) Row { return Row{Ours: ours, Theirs: theirs} }

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := Median(c.of); got != c.want {
			t.Errorf("of %v: %v, want %v", c.of, got, c.want)
		}
	}
}

// The ratio is that of runs beside each other, so that a machine that changes meanwhile changes both:
// the medians of the sides have another ratio here.
func TestTheRatioIsThatOfPairs(t *testing.T) {
	r := quiet(samples(10, 40, 60), samples(5, 10, 10))
	if got, ok := r.Ratio(); !ok || got != 4 {
		t.Errorf("%v, %v", got, ok)
	}
	r = quiet(samples(10, 40, 60), samples(2, 0)) // a run without a figure has no pair
	if got, ok := r.Ratio(); !ok || got != 5 {
		t.Errorf("%v, %v", got, ok)
	}
	if _, ok := quiet(samples(1), nil).Ratio(); ok {
		t.Error("a ratio to nothing")
	}
}

func TestNoise(t *testing.T) {
	busy := func(list []Sample, shares ...float64) []Sample {
		for i := range list {
			list[i].Foreign = shares[i]
		}
		return list
	}
	still := samples(100, 150, 200)
	for name, c := range map[string]struct {
		row  Row
		want string
	}{
		"quiet":            {quiet(still, still), ""},
		"nothing there":    {quiet(nil, nil), ""},
		"spread of ours":   {quiet(samples(100, 150, 201), still), "runs of caucus differ by a factor of 2.01"},
		"spread of theirs": {quiet(still, samples(1, 3, 2)), "runs of etcd put differ by a factor of 3"},
		"bears more":       {Row{Bears: 3, Ours: samples(1, 3), Theirs: samples(1)}, ""},
		"one busy run":     {quiet(busy(samples(1, 1, 1), 0, 0.9, 0.09), still), ""},
		"busy":             {quiet(busy(samples(1, 1, 1), 0, 0.9, 0.1), still), "other processes used 10 %"},
		"busy for the peer": {quiet(still, busy(samples(1, 1, 1), 0.2, 0.9, 0.1)),
			"other processes used 20 % of the CPUs while etcd put ran"},
	} {
		if got := c.row.Noise(); got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	missing := quiet(samples(1), nil)
	missing.Missing = "not installed"
	failed := quiet(samples(13), samples(2))
	failed.Failed = "refused"
	most := quiet(samples(3), samples(2))
	most.Wanted = Wanted{Most: 1.7}
	for want, row := range map[string]Row{
		"6.5":           quiet(samples(13), samples(2)),
		"5.5 (missed)":  quiet(samples(11), samples(2)),
		"noisy":         quiet(samples(13, 1), samples(2, 2)),
		"not installed": missing,
		"failed":        failed,
		"1.5":           most,
		"123":           free(samples(123.4), samples(1)),
		"1/30":          free(samples(1), samples(30)),
		"":              quiet(samples(13), nil),
	} {
		if got := row.Verdict(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		unit  Unit
		value float64
		want  string
	}{
		{PerSecond, 999.6, "1,000"}, {PerSecond, 12, "12"}, {PerSecond, 1234567, "1,234,567"}, {Bytes, 260, "260"},
		{Millis, 0.01234, "0.0123"}, {Millis, 12.34, "12.3"}, {Millis, 1234, "1234"}, {CPUShare, 0, "0"},
		{Mebibytes, 1.234, "1.23"},
	} {
		if got := c.unit.show(c.value); got != c.want {
			t.Errorf("%v %s: %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

func whole() Report {
	missing := quiet(samples(7), nil)
	missing.Against, missing.Missing = "A & B <C>", "not installed"
	return Report{Machine: []string{"2 CPUs"},
		Limits: []Limit{{"fdatasync", 15_000, 0.0632}},
		Rows: []Row{quiet(samples(9_000, 12_000, 15_000), samples(1_000, 1_500, 1_250)),
			quiet(samples(1, 9), samples(1, 1)), missing}}
}

func TestTable(t *testing.T) {
	const want = `- 2 CPUs

| limit of the machine | per second | half within |
| -------------------- | ---------- | ----------- |
| fdatasync            | 15,000     | 0.0632 ms   |

`
	got := whole().Table()
	if !strings.HasPrefix(got, want) {
		t.Errorf("it begins with\n%s", got)
	}
	for _, line := range []string{
		"| SET  | etcd put  | per second | 12,000 (9,000 to 15,000) | 1,250 (1,000 to 1,500) | 9             " +
			"| ≥ 6    | 1.50                      | 1.50 | 5.00 MiB       | 5.00 MiB |",
		"| SET  | A & B <C> | per second | 7 (7 to 7)               |                        " +
			"| not installed | ≥ 6 ",
		"- noisy: SET, against etcd put: runs of caucus differ by a factor of 9, more than 2",
		Rule,
	} {
		if !strings.Contains(got, line) {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
}

func TestChart(t *testing.T) {
	picture, err := whole().Chart()
	if err != nil {
		t.Fatal(err)
	}
	bars, texts := 0, []string{}
	for d := xml.NewDecoder(strings.NewReader(string(picture))); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, picture)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "rect" {
				bars++
			}
		case xml.CharData:
			texts = append(texts, string(token))
		}
	}
	all := strings.Join(texts, "|")
	if bars != 2 { // the ground, and the one ratio that may be shown
		t.Errorf("%d bars", bars)
	}
	for _, text := range []string{"SET, against A & B <C>", "not installed", "noisy", "|9|", "|0.1|", "|10|"} {
		if !strings.Contains(all, text) {
			t.Errorf("no %q in %s", text, all)
		}
	}
	// From 1 to 9 on a scale of two powers of ten: log10(9)/2 of the width.
	if !strings.Contains(string(picture), `x="620" y="56" width="229"`) {
		t.Errorf("the bar is not where it should be in\n%s", picture)
	}
}

func TestTheScaleHoldsEverything(t *testing.T) {
	r := Report{Rows: []Row{quiet(samples(1), samples(2000)), quiet(samples(300), samples(1))}}
	if low, high := r.span(); low != -4 || high != 3 {
		t.Errorf("%v to %v", low, high)
	}
}

func TestJSONHasWhatTheTableHas(t *testing.T) {
	text, err := json.Marshal(whole())
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Rows []struct {
			Ratio  *float64
			Noise  string
			Caucus []struct{ Value float64 }
		}
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	rows := back.Rows
	if len(rows) != 3 || rows[0].Ratio == nil || *rows[0].Ratio != 9 || rows[0].Noise != "" ||
		len(rows[0].Caucus) != 3 || rows[1].Ratio != nil || rows[1].Noise == "" || rows[2].Ratio != nil {
		t.Errorf("%s", text)
	}
}

// A time that is worse than any may be misses what is wanted, though the ratio is as it should be.
func TestTheWorstOfAllTimes(t *testing.T) {
	r := Row{Unit: Millis, Wanted: Wanted{Most: 0.5, Worst: 300}, Theirs: samples(1000),
		Ours: []Sample{{Value: 9, Times: 30, Worst: 299}, {Value: 9, Times: 20, Worst: 12}}}
	if got := r.values(r.Ours); got != "9.00 (9.00 to 9.00), worst of 50: 299" || r.Verdict() != "1/111" {
		t.Errorf("%s, %s", got, r.Verdict())
	}
	if r.Ours[1].Worst = 301; r.Verdict() != "1/111 (missed)" || r.Wanted.String() != "≤ 0.5, worst ≤ 300 ms" {
		t.Errorf("%s, %s", r.Verdict(), r.Wanted)
	}
}

func TestTheShortTable(t *testing.T) {
	got := whole().Short()
	for _, line := range []string{"| work | caucus",
		"| SET  | 12,000 per second | etcd put: 1,250 per second | 9 ",
		"| SET  | 7 per second      | A & B <C>                  | not installed |"} {
		if !strings.Contains(got, line) {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
}
