package tidy

import (
	"fmt"
	"go/ast"
	"path"
	"strconv"
	"strings"
	"testing"
)

// exported finds types that an embedding program could not name, or that would tie it to raft, in what the
// public packages show.
func exported(s source) (wrong []string) {
	if s.test || !s.within(".", "client", "node") {
		return nil
	}
	hidden := hiddenNames(s)
	for _, shown := range shownTypes(s.ast) {
		ast.Inspect(shown, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && hidden[pkg.Name] != "" {
				wrong = append(wrong, fmt.Sprintf("%s: %s.%s is shown, but callers cannot import %s, or must not have to",
					s.at(n.Pos()), pkg.Name, sel.Sel.Name, hidden[pkg.Name]))
			}
			return false
		})
	}
	return wrong
}

// hiddenNames gives the imports that may not be shown, by the name under which the file knows them.
func hiddenNames(s source) map[string]string {
	hidden := make(map[string]string)
	for _, spec := range s.ast.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !strings.HasPrefix(imported, internal) && !strings.HasPrefix(imported, etcdRaft) {
			continue
		}
		name := path.Base(imported)
		if name == "v3" {
			name = "raft"
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		hidden[name] = imported
	}
	return hidden
}

// shownTypes gives the parts of a file's exported declarations that a caller sees.
func shownTypes(file *ast.File) (shown []ast.Node) {
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Name.IsExported() && (decl.Recv == nil || receiverExported(decl.Recv)) {
				shown = append(shown, decl.Type)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				shown = append(shown, shownSpec(spec)...)
			}
		}
	}
	return shown
}

func shownSpec(spec ast.Spec) (shown []ast.Node) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if !spec.Name.IsExported() {
			return nil
		}
		if structure, ok := spec.Type.(*ast.StructType); ok {
			return shownFields(structure)
		}
		return []ast.Node{spec.Type}
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if name.IsExported() && spec.Type != nil {
				return []ast.Node{spec.Type}
			}
		}
	}
	return nil
}

// shownFields gives the exported fields; an embedded one counts, since it lends its methods.
func shownFields(structure *ast.StructType) (shown []ast.Node) {
	for _, field := range structure.Fields.List {
		visible := len(field.Names) == 0
		for _, name := range field.Names {
			visible = visible || name.IsExported()
		}
		if visible {
			shown = append(shown, field.Type)
		}
	}
	return shown
}

func receiverExported(recv *ast.FieldList) bool {
	exported := false
	ast.Inspect(recv.List[0].Type, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok {
			exported = name.IsExported()
			return false
		}
		return !exported
	})
	return exported
}

func TestPublicPackagesShowNothingInternal(t *testing.T) { obey(t, exported) }

func TestExportedFindsWhatIsShown(t *testing.T) {
	with := func(body string) string {
		return fmt.Sprintf("package x\nimport (%q\n%q\nother %q\n)\n%s",
			internal+"lease", "go.etcd.io/raft/v3", internal+"talk", body)
	}
	prove(t, exported,
		example{"client/a.go", with("func F(l *lease.Lease) {}"), 1},
		example{"client/a.go", with("func F() (other.T, error) { return nil, nil }"), 1},
		example{"client/a.go", with("func f(l *lease.Lease) { var _ raft.Node }"), 0},
		example{"client/a.go", with("func F() { var _ raft.Node }"), 0},
		example{"client/a.go", with("type T struct { l lease.Lease }"), 0},
		example{"client/a.go", with("type T struct { L []lease.Lease }"), 1},
		example{"client/a.go", with("type T struct { lease.Lease }"), 1},
		example{"client/a.go", with("type T interface { M(raft.Config) }"), 1},
		example{"client/a.go", with("type t struct{}\nfunc (t) M(raft.Config) {}"), 0},
		example{"client/a.go", with("type T struct{}\nfunc (*T) M(raft.Config) {}"), 1},
		example{"client/a.go", with("var V, w raft.Node"), 1},
		example{"node/a.go", with("type T = lease.Lease"), 1},
		example{"a.go", with("type T = lease.Lease"), 1},
		example{"internal/sim/a.go", with("type T = lease.Lease"), 0},
	)
}
