package tidy

import (
	"path/filepath"
	"testing"
)

// TestModulesWithinKeepTheRules: bench and otel are modules of their own, so that what they need is nothing
// that caucus depends on, but they are read by the same people.
func TestModulesWithinKeepTheRules(t *testing.T) {
	for _, module := range []string{"bench", "otel"} {
		sources := treeOf(t, filepath.Join("..", "..", module))
		wrong := docs(sources)
		for _, s := range sources {
			for _, r := range []rule{fileLength, functionLength, lineLength, names} {
				wrong = append(wrong, r(s)...)
			}
		}
		for _, what := range wrong {
			t.Errorf("%s/%s", module, what)
		}
	}
}
