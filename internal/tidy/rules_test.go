package tidy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ruleCounts says how many rules the design has under each letter. docs/rules.md has a row for each.
var ruleCounts = map[string]int{"A": 18, "B": 22, "C": 14}

var (
	laterStage  = regexp.MustCompile(`^comes with stage \d$`)
	mutantNamed = regexp.MustCompile(`mutant ([a-z0-9-]+)`)
	testsOfDocs = regexp.MustCompile(`\b(Test[A-Z]\w*)(\.\.\.)?`)
	linkOfDocs  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeOfDocs  = regexp.MustCompile("(?s)```.*?```")
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// wrongInRules finds the rules without a row, what rows name as their proof and is not there, and mutants
// that no row names.
func wrongInRules(text string, there shownIn, mutants []string) (wrong []string) {
	seen := map[string]bool{}
	unnamed := slices.Clone(mutants)
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		rule := strings.TrimSpace(cells[0])
		if !strings.HasPrefix(line, "| ") || rule == "rule" || rule == "---" {
			continue
		}
		seen[rule] = true
		proof := strings.TrimSpace(cells[len(cells)-1])
		if len(cells) != 3 || !testNamed.MatchString(proof) && !laterStage.MatchString(proof) {
			wrong = append(wrong, fmt.Sprintf("a row of %s has %d cells, the last of which names no test: %q", rule,
				len(cells), proof))
			continue
		}
		missing := proofs(proof, there)
		for _, m := range mutantNamed.FindAllStringSubmatch(proof, -1) {
			if !slices.Contains(mutants, m[1]) {
				missing = append(missing, m[0])
			}
			unnamed = slices.DeleteFunc(unnamed, func(name string) bool { return name == m[1] })
		}
		for _, m := range missing {
			wrong = append(wrong, fmt.Sprintf("%s names %s, which is not there", rule, m))
		}
	}
	for _, name := range unnamed {
		wrong = append(wrong, "no row names mutant "+name)
	}
	for letter, n := range ruleCounts {
		for i := range n {
			if rule := fmt.Sprint(letter, i+1); !seen[rule] {
				wrong = append(wrong, "no row for "+rule)
			}
		}
	}
	return wrong
}

func mutantsThere(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../../tests/mutants/testdata/*.patch")
	if err != nil || len(files) == 0 {
		t.Fatal("no mutants", err)
	}
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".patch"))
	}
	return names
}

func TestEveryRuleIsHeldBySomething(t *testing.T) {
	text := pageOf(t, seedTable{page: "rules.md"})
	for _, what := range wrongInRules(text, proofsThere(t), mutantsThere(t)) {
		t.Errorf("docs/rules.md: %s", what)
	}
}

func TestRulesFindWhatIsMissing(t *testing.T) {
	text, there, mutants := pageOf(t, seedTable{page: "rules.md"}), proofsThere(t), mutantsThere(t)
	for _, c := range []struct{ old, new, want string }{
		{"| B17 |", "| B71 |", "no row for B17"},
		{"`.` TestGroupNames", "a look", "names no test"},
		{"`.` TestGroupNames", "`node` TestGroupNames", "B17 names node TestGroupNames"},
		{"mutant a1-vote-before-sync", "mutant a1-answer-before-sync", "no row names mutant a1-vote-before-sync"},
		{"mutant a1-vote-before-sync", "mutant a1-vote-before-sync, mutant a1-nothing",
			"A1 names mutant a1-nothing"},
		{"(`sticky.txt`)", "(`sticks.txt`)", "B16 names internal/machine sticks.txt"},
	} {
		changed := strings.Replace(text, c.old, c.new, 1)
		wrong := wrongInRules(changed, there, mutants)
		if changed == text || len(wrong) != 1 || !strings.Contains(wrong[0], c.want) {
			t.Errorf("%q in place of %q: %q, want %q", c.new, c.old, wrong, c.want)
		}
	}
}

// pages gives the documents of the house by their paths.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../examples/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = string(text)
		}
	}
	return all
}

// missingTests gives the tests that a text names and the tree does not have. Dots behind a name stand for
// more.
func missingTests(text string, there shownIn) (missing []string) {
	for _, m := range testsOfDocs.FindAllStringSubmatch(text, -1) {
		found := false
		for at := range there.tests {
			_, name, _ := strings.Cut(at, " ")
			found = found || name == m[1] || m[2] != "" && strings.HasPrefix(name, m[1])
		}
		if !found {
			missing = append(missing, m[0])
		}
	}
	return missing
}

func TestDocsNameTestsThatAreThere(t *testing.T) {
	there := proofsThere(t)
	for file, text := range pages(t) {
		if filepath.Base(file) == "mutants.md" {
			continue // what go test is to run, which its own test knows
		}
		for _, name := range missingTests(text, there) {
			t.Errorf("%s names %s, which is not there", file, name)
		}
	}
	if got := missingTests("TestEveryRule... TestEveryRule TestNothingLikeIt...", there); len(got) != 2 {
		t.Errorf("found %q", got)
	}
}

// deadLinks gives the links of a page that lead to no file, or to no heading of it.
func deadLinks(file, text string, all map[string]string) (dead []string) {
	for _, m := range linkOfDocs.FindAllStringSubmatch(codeOfDocs.ReplaceAllString(text, ""), -1) {
		path, anchor, _ := strings.Cut(m[1], "#")
		if strings.Contains(path, ":") {
			continue // elsewhere
		}
		to := file
		if path != "" {
			to = filepath.Join(filepath.Dir(file), path)
		}
		_, err := os.Stat(to)
		if page, known := all[to]; err != nil || anchor != "" && known && !slices.Contains(anchors(page), anchor) {
			dead = append(dead, m[1])
		}
	}
	return dead
}

// anchors gives the names by which the headings of a page can be linked to.
func anchors(page string) (names []string) {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "#") {
			title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			names = append(names, strings.ReplaceAll(notInAnchor.ReplaceAllString(title, ""), " ", "-"))
		}
	}
	return names
}

func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for file, text := range all {
		for _, link := range deadLinks(file, text, all) {
			t.Errorf("%s links to %s, which is not there", file, link)
		}
	}
	const file = "../../docs/rules.md"
	text := "[a](rules.md#single-subjects) [b](nothing.md) [c](rules.md#nothing) [d](https://x.org/y) " +
		"[e](#notes)\n```\n[f](code)\n```\n"
	if got := deadLinks(file, text, all); !slices.Equal(got, []string{"nothing.md", "rules.md#nothing"}) {
		t.Errorf("found %q", got)
	}
}
