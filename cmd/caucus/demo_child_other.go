//go:build !linux

package main

import "syscall"

// childAttr has nothing to say here: workers end with their standard input, nodes by the demo's own doing.
func childAttr() *syscall.SysProcAttr { return nil }
