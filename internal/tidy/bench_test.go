package tidy

import (
	"path/filepath"
	"testing"
)

// TestBenchKeepsTheRules: bench is a module of its own, so that the peers which it measures are nothing that
// caucus depends on, but it is read by the same people.
func TestBenchKeepsTheRules(t *testing.T) {
	sources := treeOf(t, filepath.Join("..", "..", "bench"))
	wrong := docs(sources)
	for _, s := range sources {
		for _, r := range []rule{fileLength, functionLength, lineLength, names} {
			wrong = append(wrong, r(s)...)
		}
	}
	for _, what := range wrong {
		t.Errorf("bench/%s", what)
	}
}
