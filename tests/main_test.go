package tests

import (
	"fmt"
	"os"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// TestMain runs the tests, unless this is a process that one of them has started, to lead a group or do harm.
func TestMain(m *testing.M) {
	if addr := os.Getenv(leadAt); addr != "" {
		if err := lead(addr, os.Getenv(leadGroup)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if addr := os.Getenv(mobAt); addr != "" {
		if err := riot(addr, os.Getenv(mobKind)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	nodetest.Main(m)
}
