package main

import (
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal is the terminal that the command is to have, so that it can read from it and Ctrl-C is for the
// command alone. It has none when standard input is none, or when somebody else has it: with & in a
// shell.
type terminal struct{ ours bool }

func ownTerminal() terminal {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	return terminal{err == nil && group == syscall.Getpgrp()}
}

// held says that the guardian has started. Only now may the signal be ignored that who takes a terminal
// back without having it would get: the guardian, and the command, would inherit that.
func (t terminal) held() {
	if t.ours {
		signal.Ignore(syscall.SIGTTOU)
	}
}

// lend gives the terminal to the command's process group, and takeBack ends that. That they fail says
// that the terminal is gone, and then nobody needs it.

func (t terminal) lend(group int) {
	if t.ours {
		_ = unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, group)
	}
}

func (t terminal) takeBack() {
	if t.ours {
		_ = unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, syscall.Getpgrp())
	}
}
