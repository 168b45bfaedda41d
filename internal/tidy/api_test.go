package tidy

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/api.txt anew")

// TestTheAPIIsAsWritten holds what the public packages show against testdata/api.txt, so that no name comes,
// goes or changes unnoticed (docs/compatibility.md).
func TestTheAPIIsAsWritten(t *testing.T) {
	path := filepath.Join("testdata", "api.txt")
	got := api(tree(t))
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range missing(got, string(want)) {
		t.Errorf("%s has no line %q: if it is meant, go test ./internal/tidy -run API -rewrite", path, line)
	}
	for _, line := range missing(string(want), got) {
		t.Errorf("%s has %q, which the code has not: if it is meant, go test ./internal/tidy -run API -rewrite",
			path, line)
	}
}

// missing gives the lines of one text that the other has not.
func missing(of, in string) (lines []string) {
	known := map[string]bool{}
	for line := range strings.Lines(in) {
		known[line] = true
	}
	for line := range strings.Lines(of) {
		if !known[line] {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// api writes one line for everything that the public packages export: functions, methods, types, fields,
// values.
func api(sources []source) string {
	var lines []string
	for _, s := range sources {
		if s.test || !slices.Contains(public, s.room) {
			continue
		}
		for _, line := range exportedLines(s) {
			lines = append(lines, fmt.Sprintf("%s: %s\n", cmp.Or(strings.TrimPrefix(s.room, "."), "caucus"), line))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func exportedLines(s source) (lines []string) {
	for _, decl := range s.ast.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Name.IsExported() && (decl.Recv == nil || receiverExported(decl.Recv)) {
				lines = append(lines, s.inOneLine(&ast.FuncDecl{Recv: decl.Recv, Name: decl.Name, Type: decl.Type}))
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				lines = append(lines, specLines(s, decl.Tok, spec)...)
			}
		}
	}
	return lines
}

func specLines(s source, kind token.Token, spec ast.Spec) (lines []string) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() {
			lines = typeLines(s, spec)
		}
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if name.IsExported() {
				line := kind.String() + " " + name.Name
				if spec.Type != nil {
					line += " " + s.inOneLine(spec.Type)
				}
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// typeLines writes a type, and each exported field or method of a struct or interface on a line of its own.
func typeLines(s source, spec *ast.TypeSpec) (lines []string) {
	head := "type " + spec.Name.Name
	var fields *ast.FieldList
	switch t := spec.Type.(type) {
	case *ast.StructType:
		lines, fields = append(lines, head+" struct"), t.Fields
	case *ast.InterfaceType:
		lines, fields = append(lines, head+" interface"), t.Methods
	default:
		return []string{head + " " + s.inOneLine(spec.Type)}
	}
	for _, field := range fields.List {
		of := s.inOneLine(field.Type)
		if len(field.Names) == 0 && ast.IsExported(strings.TrimLeft(of[strings.LastIndexByte(of, '.')+1:], "*")) {
			lines = append(lines, head+", "+of)
		}
		for _, name := range field.Names {
			if name.IsExported() {
				lines = append(lines, head+", "+name.Name+" "+of)
			}
		}
	}
	return lines
}

// inOneLine prints a piece of a file without comments and line breaks.
func (s source) inOneLine(node ast.Node) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, token.NewFileSet(), node); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestTheAPIHasALineForEachName(t *testing.T) {
	s, err := parse("client/a.go", `package x
type T struct { A, b int; *U; c }
type I interface { M(x int) error }
func (t *T) M() {}
func (t *T) n() {}
func F(a int) (b string) { return "" }
const C D = 1
type N = map[string]int`)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{"client: const C D", "client: func (t *T) M()",
		"client: func F(a int) (b string)", "client: type I interface", "client: type I, M func(x int) error",
		"client: type N map[string]int", "client: type T struct", "client: type T, *U",
		"client: type T, A int", ""}, "\n")
	if got := api([]source{s}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
