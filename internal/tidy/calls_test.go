package tidy

import (
	"fmt"
	"go/ast"
	"regexp"
	"testing"
)

// initiated is the one file that may have an init: tests of doors get at a node's inside through waist.Of,
// which is no business of programs that embed one, and nothing but an init can set it before they ask.
const initiated = "node/server.go"

// calls finds what only a program may do, in packages that others embed.
func calls(s source) (wrong []string) {
	if s.test || s.within("cmd", "examples") {
		return nil
	}
	ast.Inspect(s.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" && s.path != initiated {
				wrong = append(wrong, fmt.Sprintf("%s: func init runs unasked; let the caller call", s.at(n.Pos())))
			}
		case *ast.CallExpr:
			if why := bannedCall(s, n.Fun); why != "" {
				wrong = append(wrong, fmt.Sprintf("%s: %s", s.at(n.Pos()), why))
			}
		}
		return true
	})
	return wrong
}

var fatal = regexp.MustCompile("^(Fatal|Panic)")

func bannedCall(s source, fun ast.Expr) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		if fun.Name == "panic" && s.room != "internal/invariant" {
			return "panic; return an error, or state the invariant with invariant.Check"
		}
	case *ast.SelectorExpr:
		pkg, ok := fun.X.(*ast.Ident)
		if !ok {
			return ""
		}
		switch {
		case pkg.Name == "os" && fun.Sel.Name == "Exit":
			return "os.Exit ends the process of whoever embeds us; return an error"
		case pkg.Name == "log" && fatal.MatchString(fun.Sel.Name):
			return "log." + fun.Sel.Name + " ends the process of whoever embeds us; return an error"
		}
	}
	return ""
}

func TestNobodyEndsTheProcess(t *testing.T) { obey(t, calls) }

func TestCallsFindsEach(t *testing.T) {
	in := func(body string) string { return "package x\nfunc f() { " + body + " }" }
	prove(t, calls,
		example{"node/a.go", in("os.Exit(1)"), 1},
		example{"node/a.go", in("log.Fatalf(``); log.Panicln()"), 2},
		example{"node/a.go", in("panic(1)"), 1},
		example{"internal/invariant/a.go", in("panic(1)"), 0},
		example{"node/a.go", "package x\nfunc init() {}\ntype t int\nfunc (t) init() {}", 1},
		example{"cmd/caucus/a.go", in("os.Exit(1)"), 0},
		example{"node/a_test.go", in("panic(1)"), 0},
		example{"node/a.go", in("log.Print(); os.Getpid(); t.Exit()"), 0},
	)
}
