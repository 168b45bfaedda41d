package tidy

import (
	"go/ast"
	"slices"
	"testing"
)

// public are the packages that programs import.
var public = []string{".", "client", "node"}

// documented finds what the public packages show without a word on it. Values may share one comment with
// those that stand with them.
func documented(s source) (wrong []string) {
	if s.test || !slices.Contains(public, s.room) {
		return nil
	}
	for _, decl := range s.ast.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Name.IsExported() && decl.Doc == nil && (decl.Recv == nil || receiverExported(decl.Recv)) {
				wrong = append(wrong, s.at(decl.Pos())+": "+decl.Name.Name+" has no comment")
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				wrong = append(wrong, undocumented(s, decl.Doc != nil, spec)...)
			}
		}
	}
	return wrong
}

func undocumented(s source, commented bool, spec ast.Spec) (wrong []string) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() && !commented && spec.Doc == nil {
			wrong = append(wrong, s.at(spec.Pos())+": "+spec.Name.Name+" has no comment")
		}
	case *ast.ValueSpec:
		if spec.Names[0].IsExported() && !commented && spec.Doc == nil && spec.Comment == nil {
			wrong = append(wrong, s.at(spec.Pos())+": "+spec.Names[0].Name+" has no comment")
		}
	}
	return wrong
}

func TestThePublicPackagesAreDocumented(t *testing.T) { obey(t, documented) }

func TestDocumentedFindsWhatIsNot(t *testing.T) {
	prove(t, documented,
		example{"client/a.go", "package x\nfunc F() {}", 1},
		example{"client/a.go", "package x\n// F is.\nfunc F() {}\nfunc f() {}", 0},
		example{"node/a.go", "package x\ntype T struct{}\nfunc (T) M() {}", 2},
		example{"node/a.go", "package x\n// Of both.\nvar (\nA = 1\nB = 2\n)", 0},
		example{"a.go", "package x\nvar A = 1\nconst B = 2 // is two", 1},
		example{"internal/sim/a.go", "package x\nfunc F() {}", 0},
	)
}
