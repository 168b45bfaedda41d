//go:build !linux

package main

import (
	"context"
	"errors"
	"syscall"

	"github.com/caucus-project/caucus/client"
)

// wrapping says what to wrap, and how.
type wrapping struct {
	group   string
	flags   *wrapFlags
	join    client.JoinOptions
	mandate func(client.Holding) (mandate, bool)
	signal  syscall.Signal
	once    bool
}

// wrap refuses: that a command dies with those who guard it can be promised on Linux only.
func wrap(context.Context, wrapping) error {
	return &exitStatus{exitWrapper, errors.New("join, elect and lock run commands on Linux only")}
}

// Run is never asked for here.
func (guardCmd) Run() error { return errors.New("guards on Linux only") }
