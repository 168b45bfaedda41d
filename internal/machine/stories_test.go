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

// The replies about strings and keys are those of Redis 7.0; TestRedisTellsTheSameStories asks it.
func TestRedisStories(t *testing.T) {
	datadriven.Walk(t, "testdata/redis", func(t *testing.T, path string) {
		story.Run(t, path, newBare(t))
	})
}
