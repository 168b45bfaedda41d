package sealed

import (
	"errors"
	"io"
	"path/filepath"

	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// ReadFile reads a whole file.
func ReadFile(fsys vfs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, err
	}
	return b, nil
}

// WriteFile makes a file that is whole under its name or absent: written and synced under another name
// first. Room for size bytes is reserved, so that later syncs need not change the length. A failure leaves
// nothing behind, since what is left would hold space that a full disk needs.
func WriteFile(fsys vfs.FS, path string, data []byte, size int64) error {
	f, err := fsys.Create(path + ".tmp")
	if err != nil {
		return err
	}
	if size > 0 {
		err = f.Preallocate(size)
	}
	if err == nil {
		_, err = f.WriteAt(data, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, fsys.Remove(path+".tmp"))
	}
	return Publish(fsys, path+".tmp", path)
}

// Publish gives a synced file its name, durably.
func Publish(fsys vfs.FS, tmp, path string) error {
	if err := fsys.Rename(tmp, path); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(path))
}

// CloseAfter closes what a failing function opened.
func CloseAfter(c io.Closer, err error) error {
	return errors.Join(err, c.Close())
}
