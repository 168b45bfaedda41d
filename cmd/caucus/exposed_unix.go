//go:build unix

package main

import (
	"io/fs"
	"log/slog"
	"os"
	"syscall"
)

// warnExposed says which of the files with secrets others than their owner may read. The group of a file of
// somebody else's, which he gave to this process so, may.
func warnExposed(log *slog.Logger, files map[string]string) {
	for flag, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			continue // none was named, or whoever reads it says so
		}
		others := fs.FileMode(0o007)
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) == os.Geteuid() {
			others = 0o077
		}
		if mode := info.Mode().Perm(); mode&others != 0 {
			log.Warn("others than its owner may read a secret: chmod 600 it", "flag", flag, "file", file, "mode", mode)
		}
	}
}
