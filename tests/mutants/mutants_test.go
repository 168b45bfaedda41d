package mutants

import (
	"cmp"
	"flag"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	which = flag.String("mutant", "", "the mutants that TestMutantsAreCaught tries, a regular expression; "+
		"without it two that take a second")
	rewrite = flag.Bool("rewrite", false, "write what was needed to find them into the table in docs")
)

// quick are tried by every run of the tests, to show that trying works.
const quick = "^(a11-plain-message-twice|b16-lowest-first)$"

const document = "docs/mutants.md"

// root is that of the module.
func root(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// all reads the patches, in the order of the rules.
func all(t *testing.T) []*mutant {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "*.patch"))
	if err != nil {
		t.Fatal(err)
	}
	var list []*mutant
	for _, path := range paths {
		m, err := readMutant(path)
		if err != nil {
			t.Error(err)
			continue
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *mutant) int {
		return cmp.Or(compareRules(a.rule, b.rule), strings.Compare(a.name, b.name))
	})
	return list
}

// compareRules orders rules as SAFETY numbers them.
func compareRules(a, b string) int {
	x, m := section(a)
	y, n := section(b)
	return cmp.Or(strings.Compare(x, y), cmp.Compare(m, n))
}

var sectionOf = regexp.MustCompile(`^([A-Z])(\d+)`)

func section(rule string) (letter string, number int) {
	if found := sectionOf.FindStringSubmatch(rule); found != nil {
		number, _ = strconv.Atoi(found[2])
		return found[1], number
	}
	return rule, 0
}

// TestPatchesFit: a change of the product carries the patches along, or they would show nothing.
func TestPatchesFit(t *testing.T) {
	t.Parallel()
	for _, m := range all(t) {
		if _, err := m.apply(root(t)); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(m.test[0], "./") || m.test[1] != "-run" {
			t.Errorf("%s: its test must begin with a package and -run, not with %q", m.name, m.test)
		}
	}
}

// TestTableIsWhole: the documents list each mutant as its header has it, and no other.
func TestTableIsWhole(t *testing.T) {
	t.Parallel()
	tab, err := readTable(filepath.Join(root(t), document))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range all(t) {
		names = append(names, m.name)
		if row := tab.rows[m.name]; !strings.HasPrefix(row, m.row()) || strings.HasPrefix(row, m.row()+"?") {
			t.Errorf("%s lists %s as\n%q, not, with what was needed to find it, as\n%q: make mutants MUTANT='^%s$' "+
				"writes that", document, m.name, row, m.row(), m.name)
		}
	}
	if !slices.Equal(names, tab.order) {
		t.Errorf("%s lists %q, and there are %q", document, tab.order, names)
	}
}

// TestMutantsAreCaught tries mutants. Before that their tests must pass without them.
func TestMutantsAreCaught(t *testing.T) {
	pattern, err := regexp.Compile(cmp.Or(*which, quick))
	if err != nil {
		t.Fatal(err)
	}
	list := slices.DeleteFunc(all(t), func(m *mutant) bool { return !pattern.MatchString(m.name) })
	if len(list) == 0 {
		t.Fatalf("there is no mutant like %q", pattern)
	}
	soundWithout(t, list)
	dir, found := t.TempDir(), map[string]string{}
	for _, m := range list {
		v, err := m.try(root(t), dir)
		switch {
		case err != nil:
			t.Errorf("%s: %v", m.name, err)
		case !v.caught:
			t.Errorf("%s is not caught: %s", m.name, v.why)
		default:
			found[m.name] = v.needed
			t.Logf("%-40s %-10s %s", m.name, v.needed, strings.Join(m.test, " "))
		}
	}
	t.Logf("%d of %d mutants are caught", len(found), len(list))
	if *rewrite {
		update(t, found)
	}
}

// update writes what was found into the table.
func update(t *testing.T, found map[string]string) {
	t.Helper()
	tab, err := readTable(filepath.Join(root(t), document))
	if err != nil {
		t.Fatal(err)
	}
	list := all(t)
	for _, m := range list {
		if needed, ok := found[m.name]; ok {
			tab.put(m, needed)
		}
	}
	if err := tab.write(list); err != nil {
		t.Fatal(err)
	}
}

// soundWithout runs the tests of the mutants without any of them, each test once.
func soundWithout(t *testing.T, list []*mutant) {
	t.Helper()
	tests := map[string]bool{}
	for _, m := range list {
		tests[strings.Join(m.test, " ")] = true
	}
	for _, test := range slices.Sorted(maps.Keys(tests)) {
		out, failed, err := goTest(root(t), "", strings.Fields(test))
		if err != nil || failed || strings.Contains(out, "[no tests to run]") {
			t.Fatalf("go test %s fails without any mutant, or runs nothing: %v\n%s", test, err, tail(out))
		}
	}
}

// A mutant of this test, whose change breaks nothing.
const harmless = `rule: B16
mutant: a comment is another
test: ./internal/assign -run TestSettle
shows: FAIL
--- a/internal/assign/doc.go
+++ b/internal/assign/doc.go
@@ -1,1 +1,1 @@
-package assign
+package assign // a comment
`

// TestJudgement: what is no proof is none.
func TestJudgement(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, why string }{
		{"", "", "the test passes"},
		{"// a comment", "; var x int = \"\"", "it does not build"},
		{"// a comment", "; func init() { panic(\"at once\") }", ""},
	} {
		m, err := parseMutant(strings.Replace(harmless, c.from, c.to, 1))
		if err != nil {
			t.Fatal(err)
		}
		m.name = "m"
		v, err := m.try(root(t), t.TempDir())
		if err != nil || v.caught != (c.why == "") || !strings.HasPrefix(v.why, c.why) {
			t.Errorf("with %q: %+v, %v; want %q", c.to, v, err, c.why)
		}
	}
	m, _ := parseMutant(strings.Replace(harmless, "shows: FAIL", "shows: SAFETY", 1))
	if v := m.judge("FAIL\tpkg\t0.100s\n", true); v.caught || !strings.Contains(v.why, "prints nothing like") {
		t.Errorf("a failure for another reason is judged %+v", v)
	}
}

// TestWhatWasNeeded reads it from outputs.
func TestWhatWasNeeded(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"    sim_test.go:103: seed 14: at 1\n    sim_test.go:103: seed 9: at 2\nFAIL\ta/sim\t3.512s\n": "seed 9",
		"FAIL\ta/b\t12.988s\n": "12 s",
		"FAIL\ta/b\t0.250s\n":  "under 1 s",
	} {
		if got := needed(out); got != want {
			t.Errorf("%q: %q, want %q", out, got, want)
		}
	}
}

// TestBadPatches are refused with the reason.
func TestBadPatches(t *testing.T) {
	t.Parallel()
	for from, why := range map[string]string{
		"rule: B16\n":                  "lacks one of",
		"mutant: a comment":            `no "mutent" in a header`,
		"--- a/internal":               "no line that begins with ---",
		"@@ -1,1 +1,1 @@\n":            "does not belong",
		"shows: FAIL":                  "missing closing",
		"test: ./internal/assign -run": "lacks one of",
	} {
		to := map[string]string{"mutant: a comment": "mutent: a comment", "--- a/internal": "a/internal",
			"shows: FAIL": "shows: (", "test: ./internal/assign -run": "test: "}[from]
		_, err := parseMutant(strings.Replace(harmless, from, to, 1))
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("without %q: %v, want %q", from, err, why)
		}
	}
	m, _ := parseMutant(strings.Replace(harmless, "-package assign\n", "-package design\n", 1))
	if _, err := m.apply(root(t)); err == nil || !strings.Contains(err.Error(), "0 times") {
		t.Errorf("a patch that does not fit: %v", err)
	}
}
