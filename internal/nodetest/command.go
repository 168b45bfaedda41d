package nodetest

import (
	"context"
	"errors"
	"os/exec"
	"testing"
)

// longest is how long a program of a test may run before it counts as hung.
const longest = 5 * Patience

// Command is exec.Command for a test, which ends the program when it ends itself, and fails when the program
// hangs: that is ended too, so that who reads what it says, or waits for it, goes on.
func Command(t testing.TB, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	t.Cleanup(cancel) // after what the test itself does at its end, which may be to end the program well
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("not ended within %v: %q", longest, cmd.Args)
		}
		return cmd.Process.Kill()
	}
	cmd.WaitDelay = Patience // for what it has started itself, and holds its pipes
	return cmd
}
