package mutants

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// mutant is one mistake.
type mutant struct {
	name  string         // of its file, without .patch
	rule  string         // of SAFETY, or of WIRE, that it breaks
	says  string         // what it does wrong
	test  []string       // arguments of go test; the first one is the package
	shows *regexp.Regexp // what the failing test must print
	hunks []hunk
}

// hunk is one place that a patch changes. It is found by its lines alone, which must be in the file exactly
// once: line numbers would rot with every change above them.
type hunk struct{ file, before, after string }

// readMutant reads a patch: a header of "key: value" lines, then a unified diff.
func readMutant(path string) (*mutant, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := parseMutant(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.name = strings.TrimSuffix(filepath.Base(path), ".patch")
	return m, nil
}

func parseMutant(text string) (*mutant, error) {
	m := &mutant{}
	head, diff, ok := strings.Cut(text, "\n--- ")
	if !ok {
		return nil, errors.New("there is no line that begins with ---")
	}
	for line := range strings.SplitSeq(head, "\n") {
		if err := m.header(line); err != nil {
			return nil, err
		}
	}
	if m.rule == "" || m.says == "" || len(m.test) < 3 || m.shows == nil {
		return nil, errors.New("its header lacks one of rule, mutant, test and shows")
	}
	err := m.diff("--- " + diff)
	return m, err
}

func (m *mutant) header(line string) (err error) {
	key, value, ok := strings.Cut(line, ": ")
	switch {
	case key == "rule":
		m.rule = value
	case key == "mutant":
		m.says = value
	case key == "test":
		m.test = strings.Fields(value)
	case key == "shows":
		m.shows, err = regexp.Compile(value)
	case !ok || key == "":
		return fmt.Errorf("%q is not of the form key: value", line)
	default:
		return fmt.Errorf("there is no %q in a header", key)
	}
	return err
}

// diff reads a unified diff.
func (m *mutant) diff(text string) error {
	file := ""
	var at *hunk
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "--- "):
			at = nil
		case strings.HasPrefix(line, "+++ b/") && at == nil:
			file = strings.TrimPrefix(line, "+++ b/")
		case strings.HasPrefix(line, "@@ "):
			m.hunks = append(m.hunks, hunk{file: file, before: "\n", after: "\n"})
			at = &m.hunks[len(m.hunks)-1]
		case at == nil || !at.add(line):
			return fmt.Errorf("%q does not belong into a unified diff", line)
		}
	}
	if len(m.hunks) == 0 {
		return errors.New("it changes nothing")
	}
	return nil
}

func (h *hunk) add(line string) bool {
	if line == "" {
		line = " "
	}
	rest := line[1:] + "\n"
	switch line[0] {
	case ' ':
		h.before, h.after = h.before+rest, h.after+rest
	case '-':
		h.before += rest
	case '+':
		h.after += rest
	default:
		return false
	}
	return true
}

// apply gives the changed files, by their path from the root of the module.
func (m *mutant) apply(root string) (map[string]string, error) {
	changed := map[string]string{}
	for _, h := range m.hunks {
		text, ok := changed[h.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, h.file))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
			text = "\n" + string(b)
		}
		if n := strings.Count(text, h.before); n != 1 {
			return nil, fmt.Errorf("%s: these lines are %d times in %s, not once; make the patch anew, by "+
				"git diff -U0 with the change made by hand, under its header:%s", m.name, n, h.file, h.before)
		}
		changed[h.file] = strings.Replace(text, h.before, h.after, 1)
	}
	for file, text := range changed {
		changed[file] = text[1:]
	}
	return changed, nil
}
