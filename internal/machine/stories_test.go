package machine_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/story"
	"github.com/cockroachdb/datadriven"
)

func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		story.Run(t, path, newBare(t))
	})
}
