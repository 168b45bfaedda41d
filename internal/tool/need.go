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

// Lack ends the test because something is missing: a failure under CAUCUS_NO_SKIP, else skipped.
func Lack(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(NoSkip) != "" {
		t.Fatalf("%s is not installed, and %s is set", what, NoSkip)
	}
	t.Skipf("needs %s, which is not installed", what)
}
