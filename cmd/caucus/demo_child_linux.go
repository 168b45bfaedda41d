package main

import "syscall"

// childAttr lets a child die with the demo, whatever kills that, and keeps the terminal's signals from it:
// the demo ends its children itself.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
