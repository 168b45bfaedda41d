package deploy

import (
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

func TestMain(m *testing.M) { nodetest.Main(m) }
