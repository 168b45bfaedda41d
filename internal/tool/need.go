package tool

import (
	"os"
	"os/exec"
	"testing"
)

// NoSkip names the variable under which a lacking tool is a failure.
const NoSkip = "CAUCUS_NO_SKIP"

// Need ends the test unless every named program is on the path.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			Lack(t, program)
		}
	}
}

// NeedPython ends the test unless there is a python3 that can import every named module. It gives the
// path of that python3.
func NeedPython(t testing.TB, modules ...string) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if path, err := exec.LookPath(python); err == nil && imports(path, modules) {
			return path
		}
	}
	Lack(t, "python3 with its modules")
	return ""
}

func imports(python string, modules []string) bool {
	for _, module := range modules {
		if exec.Command(python, "-c", "import "+module).Run() != nil {
			return false
		}
	}
	return true
}

// Lack ends the test because something is missing: a failure under CAUCUS_NO_SKIP, else skipped.
func Lack(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(NoSkip) != "" {
		t.Fatalf("%s is not installed, and %s is set", what, NoSkip)
	}
	t.Skipf("needs %s, which is not installed", what)
}
