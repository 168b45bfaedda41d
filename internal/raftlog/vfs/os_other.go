//go:build !linux

package vfs

import (
	"os"
	"runtime"
)

// SyncDir implements FS. Windows has no such call; its journal keeps the order of renames.
func (OS) SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (f osFile) Sync() error { return f.File.Sync() }

func (f osFile) Preallocate(size int64) error { return f.Truncate(size) }
