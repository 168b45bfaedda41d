//go:build linux

package chaos

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// TestMain runs the tests, unless this is a process that one of them has started to be a member.
func TestMain(m *testing.M) {
	if name := os.Getenv(memberName); name != "" {
		if err := lonely(name, strings.Split(os.Getenv(memberAt), ","), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	nodetest.Main(m)
}
