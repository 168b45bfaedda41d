package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/caucus-project/caucus"

// source is one parsed file.
type source struct {
	path string // from the root of the module, with slashes
	room string // its folder, "." for the root
	test bool
	text string
	fset *token.FileSet
	ast  *ast.File
}

// at gives the line of a place in the file, for a message.
func (s source) at(pos token.Pos) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(pos).Line)
}

// within says whether the file lies in one of the folders or below.
func (s source) within(folders ...string) bool {
	for _, folder := range folders {
		if s.room == folder || strings.HasPrefix(s.room, folder+"/") {
			return true
		}
	}
	return false
}

// imports gives the paths that the file imports, with the line of each.
func (s source) imports() map[string]string {
	paths := make(map[string]string)
	for _, spec := range s.ast.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths[path] = s.at(spec.Pos())
		}
	}
	return paths
}

func parse(path, text string) (source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	room := "."
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		room = path[:i]
	}
	return source{path, room, strings.HasSuffix(path, "_test.go"), text, fset, file}, err
}

// tree reads every Go file of the module. Folders that the go tool leaves out are left out here too, and
// so are modules within (bench).
func tree(t *testing.T) []source {
	t.Helper()
	return treeOf(t, filepath.Join("..", ".."))
}

// treeOf reads the module at a folder.
func treeOf(t *testing.T, root string) []source {
	t.Helper()
	var sources []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && leftOut(path, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), string(text))
		sources = append(sources, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) == 0 {
		t.Fatal("found no Go file, so nothing was checked")
	}
	return sources
}

func leftOut(path, name string) bool {
	if name == "testdata" || name == "vendor" || name[0] == '.' || name[0] == '_' {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// rule looks at one file and says what is wrong with it.
type rule func(source) []string

// obey holds every file of the module against a rule.
func obey(t *testing.T, r rule) {
	t.Helper()
	for _, s := range tree(t) {
		for _, wrong := range r(s) {
			t.Error(wrong)
		}
	}
}

// example is a file made up to see whether a rule finds what it is for.
type example struct {
	path, text string
	wrong      int // how many findings there must be
}

// prove shows that a rule can fail, and that it does not when it should not.
func prove(t *testing.T, r rule, examples ...example) {
	t.Helper()
	for _, e := range examples {
		s, err := parse(e.path, e.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := r(s); len(got) != e.wrong {
			t.Errorf("in %s, %q: found %q, want %d findings", e.path, e.text, got, e.wrong)
		}
	}
}
