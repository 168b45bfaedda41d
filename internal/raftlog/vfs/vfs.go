package vfs

import (
	"fmt"
	"io"
)

// FS is what the log asks of a file system. Paths are in the form of the host. Errors about missing
// files satisfy errors.Is(err, fs.ErrNotExist).
type FS interface {
	// MkdirAll makes a directory and its parents; they are durable when it returns.
	MkdirAll(dir string) error
	// Create makes an empty file, in place of one of that name. Its name is durable after SyncDir.
	Create(path string) (File, error)
	// Open opens a file that exists, for reading and writing.
	Open(path string) (File, error)
	// ReadDir gives the names in a directory, sorted.
	ReadDir(dir string) ([]string, error)
	// Rename moves a file or directory, over one of the new name. Durable after SyncDir of both
	// directories.
	Rename(oldpath, newpath string) error
	// Remove deletes a file. Durable after SyncDir.
	Remove(path string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Lock keeps other processes from the same Lock until it is closed; a *LockedError says who has
	// it.
	Lock(path string) (io.Closer, error)
}

// File is an open file. A handle belongs to one goroutine at a time.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync makes the data and the size durable (fdatasync).
	Sync() error
	// Preallocate grows the file to size, reserving the space where the disk can; the new bytes are
	// zero.
	Preallocate(size int64) error
	// Size gives the length in bytes.
	Size() (int64, error)
}

// LockedError says that another process holds a lock. PID is 0 if it is not known.
type LockedError struct {
	Path string
	PID  int
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is locked by another process", e.Path)
	}
	return fmt.Sprintf("%s is locked by process %d", e.Path, e.PID)
}
