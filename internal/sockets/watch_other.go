//go:build !linux

package sockets

import "errors"

// Watch tells when there may be something to read from any of many sockets. There is none on this system.
type Watch struct{}

// Open makes a Watch; here it fails.
func Open() (*Watch, error) { return nil, errors.ErrUnsupported }

// Add cannot be called here.
func (*Watch) Add(*Socket, func()) (forget func(), err error) { return nil, errors.ErrUnsupported }

// Later cannot be called here.
func (*Watch) Later(func()) {}

// Run cannot be called here.
func (*Watch) Run(func()) error { return errors.ErrUnsupported }

// Close cannot be called here.
func (*Watch) Close() error { return nil }
