package machine

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A ranking is members sorted by scores and then by bytes, and a copy of it never changes (SAFETY B12).
func TestB12_ARankingIsSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &ranking{table: table{hashing: crowded().keys.hashing}}
		plain := map[string]float64{}
		name := rapid.SampledFrom([]string{"", "a", "b", "ab", "\xff", "\x00", "a\x00", "other"})
		score := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1,
			math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, math.MaxFloat64}))
		type copied struct {
			of     *ranking
			before string
		}
		var copies []copied
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			member := name.Draw(t, "member")
			_, had := plain[member]
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				if r.drop(member) != had {
					t.Fatalf("drop %q: it was there: %v", member, had)
				}
				delete(plain, member)
			case 1:
				of := r.share().(*ranking)
				copies = append(copies, copied{of, fmt.Sprint(walked(of, false))})
			default:
				plain[member] = score.Draw(t, "score")
				if r.put(member, plain[member]) == had {
					t.Fatalf("put %q: it was there: %v", member, had)
				}
			}
			checkRanking(t, r, plain)
			checkScores(t, r, plain, scores{score.Draw(t, "min"), score.Draw(t, "max"), rapid.Bool().Draw(t, "open"),
				rapid.Bool().Draw(t, "open")})
		}
		for _, c := range copies {
			if after := fmt.Sprint(walked(c.of, false)); after != c.before {
				t.Fatalf("a copy changed from %s to %s", c.before, after)
			}
		}
	})
}

func walked(r *ranking, down bool) []element {
	var all []element
	first := 0
	if down {
		first = r.count - 1
	}
	r.walk(first, down, func(e element) bool {
		all = append(all, e)
		return true
	})
	return all
}

// sortedPlainly gives what a ranking should hold.
func sortedPlainly(plain map[string]float64) []element {
	var want []element
	for member, score := range plain {
		want = append(want, element{name: member, score: score})
	}
	slices.SortFunc(want, func(a, b element) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.name, b.name))
	})
	return want
}

func checkRanking(t *rapid.T, r *ranking, plain map[string]float64) {
	want := sortedPlainly(plain)
	if got := walked(r, false); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	got := walked(r, true)
	if slices.Reverse(got); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("downwards %v, want %v", got, want)
	}
	for i, e := range want {
		if rank, ok := r.rank(e.name); !ok || rank != i {
			t.Fatalf("%q has the rank %d, %v, want %d", e.name, rank, ok, i)
		}
		if score, _ := r.score(e.name); score != e.score {
			t.Fatalf("%q has the score %v, want %v", e.name, score, e.score)
		}
	}
	if r.len() != len(want) || r.order.Len() != len(want) {
		t.Fatalf("%d and %d members, want %d", r.len(), r.order.Len(), len(want))
	}
}

func checkScores(t *rapid.T, r *ranking, plain map[string]float64, s scores) {
	part := s.of(r)
	for i, e := range sortedPlainly(plain) {
		in := (e.score > s.min || e.score == s.min && !s.minEx) && (e.score < s.max || e.score == s.max && !s.maxEx)
		if in != (i >= part.from && i < part.to) {
			t.Fatalf("%v is in %+v: %v; it has rank %d, the range has %+v", e, s, in, i, part)
		}
	}
}

// The limits of scores are those of strtod.
func TestDoublesAreReadAsByRedis(t *testing.T) {
	for text, want := range map[string]float64{"1": 1, "-1.5": -1.5, "+2": 2, ".5": 0.5, "5.": 5, "1e3": 1000,
		"1E3": 1000, "inf": math.Inf(1), "-Infinity": math.Inf(-1), "0x10": 16, "0x1.8p1": 3, "0e999": 0,
		"0x0p9":    0,
		"4.9e-324": math.SmallestNonzeroFloat64} {
		if got, err := double(text); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", " 1", "1 ", "nan", "x", "1x", "--1", "1_0", "0x", "0x_1", "1e", "e1", ".",
		"+", "1e999", "-1e999", "1e-999", "0x1p-9999", "infinit", "1\x00"} {
		if got, err := double(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
