package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// What completion prints is taken by the shell it is for. fish says what it would offer; the others do so to
// a person alone, and say whom they would ask.
func TestShellsTakeTheCompletion(t *testing.T) {
	t.Parallel()
	const ask = "-o default -C "
	for shell, c := range map[string]struct{ script, want string }{
		"bash": {`eval "$(caucus completion bash)"; complete -p caucus`, ask + "'caucus complete'"},
		"zsh":  {`eval "$(caucus completion zsh)"; echo $_comps[caucus]`, ask + `caucus\ complete`},
		"fish": {`caucus completion fish | source; complete -C 'caucus node re'`, "remove"},
	} {
		t.Run(shell, func(t *testing.T) {
			tool.Need(t, shell)
			cmd := nodetest.Command(t, shell, "-c", c.script)
			cmd.Dir = t.TempDir() // which has no files to be offered, and none that the shell reads at its start
			cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(nodetest.Binary(t))+":"+os.Getenv("PATH"),
				"HOME="+cmd.Dir, "ZDOTDIR="+cmd.Dir, "XDG_CONFIG_HOME="+cmd.Dir)
			said, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(said), c.want) || strings.Count(string(said), "\n") != 1 {
				t.Errorf("%v: it says %q, want %q in one line", err, said, c.want)
			}
		})
	}
}
