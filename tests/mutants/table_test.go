package mutants

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// table is the list of mutants in the documents, row by row as it stands there.
type table struct {
	path       string
	head, tail string // of the document, around the rows
	rows       map[string]string
	order      []string // of the names
}

const tableHead = "\n| rule | mutant | caught by | after |\n| --- | --- | --- | --- |\n"

var rowName = regexp.MustCompile(`\]\(\S+/([^/)\s]+)\.patch\)`)

func readTable(path string) (*table, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	head, rest, ok := strings.Cut(string(b), tableHead)
	if !ok {
		return nil, fmt.Errorf("%s: there is no table that begins with%s", path, tableHead)
	}
	t := &table{path: path, head: head + tableHead, rows: map[string]string{}}
	for strings.HasPrefix(rest, "|") {
		var row string
		row, rest, _ = strings.Cut(rest, "\n")
		name := rowName.FindStringSubmatch(row)
		if name == nil {
			return nil, fmt.Errorf("%s: this row names no patch: %s", path, row)
		}
		t.rows[name[1]] = row
		t.order = append(t.order, name[1])
	}
	t.tail = rest
	return t, nil
}

// row is how a mutant stands in the table, but for what was needed to find it.
func (m *mutant) row() string {
	words := strings.ReplaceAll(strings.Join(m.test, " "), "|", `\|`)
	return fmt.Sprintf("| %s | [%s](../tests/mutants/testdata/%s.patch) | `%s` | ", m.rule, m.says, m.name,
		words)
}

// put notes what was needed to find a mutant.
func (t *table) put(m *mutant, needed string) { t.rows[m.name] = m.row() + needed + " |" }

// write writes the document, with a row for each of the mutants and no other.
func (t *table) write(all []*mutant) error {
	var b strings.Builder
	b.WriteString(t.head)
	for _, m := range all {
		if t.rows[m.name] == "" {
			t.put(m, "?")
		}
		b.WriteString(t.rows[m.name] + "\n")
	}
	return os.WriteFile(t.path, []byte(b.String()+t.tail), 0o644)
}
