//go:build !darwin && !linux

package vfs

import "errors"

// Free says that this system is not asked how much space a disk has.
func Free(string) (uint64, error) { return 0, errors.ErrUnsupported }
