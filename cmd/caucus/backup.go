package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/caucus-project/caucus/internal/machine"
)

// backupCmd takes the state of a running ensemble into a file.
type backupCmd struct {
	ensembleFlags
	File      string        `arg:"" help:"Where to write; - is standard output. With --keep a directory, which is made if it is not there."`
	Overwrite bool          `help:"Replace the file if it is there."`
	Keep      int           `help:"Write into the directory, under a name that tells the time, and keep the newest so many." placeholder:"N"`
	Every     time.Duration `help:"With --keep, take one so often until ended." placeholder:"1h"`
	Local     bool          `help:"Take what the node at --addr has, also when no majority can be reached; the newest writes may be missing."`
}

// Run takes the backup, which is checked while it comes, and says what is in it.
func (c *backupCmd) Run(ctx context.Context) error {
	if c.Keep > 0 {
		return c.series(ctx)
	}
	to, err := c.create()
	if err != nil {
		return err
	}
	return c.write(ctx, to, func(machine.Contents) {})
}

// write takes the backup into a file, which named may give its name when it is known what is in it.
func (c *backupCmd) write(ctx context.Context, to *backupFile, named func(machine.Contents)) error {
	begun := time.Now()
	contents, size, err := c.take(ctx, to)
	if err = cmp.Or(context.Cause(ctx), err); err == nil {
		named(contents)
		err = to.publish()
	}
	if err != nil {
		return errors.Join(err, to.abandon())
	}
	_, err = fmt.Fprintf(to.words, "%s\nwritten to %s in %.1f s: %s bytes\n", described(contents), to.name,
		time.Since(begun).Seconds(), thousands(int(size)))
	return err
}

// described says of what a dump is, and how much is in it.
func described(c machine.Contents) string {
	return fmt.Sprintf("backup of ensemble %s at entry %d of term %d, %s, up to revision %d:\n"+
		"%s keys, %s groups (%s of them made by GROUP CREATE), %s sessions, %s nodes",
		c.Cluster, c.Index, c.Term, time.UnixMicro(c.Stamp).UTC().Format(time.RFC3339), c.Revision,
		thousands(c.Keys), thousands(c.Groups), thousands(c.Made), thousands(c.Sessions), thousands(c.Nodes))
}

// take asks for the dump, writes it, and checks meanwhile what is written as a restore would.
func (c *backupCmd) take(ctx context.Context, to *backupFile) (of machine.Contents, size int64, err error) {
	from, err := c.ask(ctx)
	if err != nil {
		return of, 0, err
	}
	defer from.close()
	read, write := io.Pipe()
	checked := make(chan error, 1)
	go func() {
		var err error
		of, err = machine.CheckDump(read)
		checked <- err
		read.CloseWithError(cmp.Or(err, io.ErrClosedPipe))
	}()
	check := bufio.NewWriterSize(write, 1<<20)
	if size, err = from.copy(io.MultiWriter(to.out, check), newScreen(os.Stderr)); err == nil {
		err = check.Flush()
	}
	write.CloseWithError(cmp.Or(err, io.EOF))
	if damage := <-checked; damage != nil && (err == nil || errors.Is(err, damage)) {
		err = fmt.Errorf("what came from %s is refused: %w", from.addr, damage)
	}
	return of, size, err
}

// backupFile is where a backup goes: under a name of its own until it is whole and on disk.
type backupFile struct {
	name  string // as a person reads it
	path  string // "" for standard output
	file  *os.File
	out   *bufio.Writer
	words *os.File // where it is said what was done
	over  bool     // a file at path is replaced
}

// create begins the file, which nobody but its owner may read.
func (c *backupCmd) create() (*backupFile, error) {
	if c.File == "-" {
		return &backupFile{name: "standard output", file: os.Stdout, out: bufio.NewWriterSize(os.Stdout, 1<<20),
			words: os.Stderr}, nil
	}
	switch there, err := os.Stat(c.File); {
	case err == nil && !there.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no ordinary file; write to - and send that there", c.File)
	case err == nil && !c.Overwrite:
		return nil, taken(c.File)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(c.File), "."+filepath.Base(c.File)+".unfinished-*")
	if err != nil {
		return nil, err
	}
	to := newBackupFile(f, c.File)
	to.over = c.Overwrite
	return to, nil
}

// newBackupFile is for a file that gets its name when it is whole.
func newBackupFile(f *os.File, path string) *backupFile {
	return &backupFile{name: path, path: path, file: f, out: bufio.NewWriterSize(f, 1<<20), words: os.Stdout}
}

func taken(path string) error {
	return fmt.Errorf("%s is there already; choose another name, or say --overwrite", path)
}

// publish gives what was written its name, once it is on disk.
func (b *backupFile) publish() error {
	if err := b.out.Flush(); err != nil || b.path == "" {
		return err
	}
	if err := errors.Join(b.file.Sync(), b.file.Close()); err != nil {
		return err
	}
	if b.over {
		if err := os.Rename(b.file.Name(), b.path); err != nil {
			return err
		}
		return b.syncDir()
	}
	switch err := os.Link(b.file.Name(), b.path); { // which, unlike a rename, replaces nothing
	case errors.Is(err, os.ErrExist):
		return taken(b.path)
	case err != nil:
		return err
	}
	return errors.Join(os.Remove(b.file.Name()), b.syncDir())
}

func (b *backupFile) syncDir() error {
	dir, err := os.Open(filepath.Dir(b.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// abandon removes what is not whole.
func (b *backupFile) abandon() error {
	if b.path == "" {
		return nil
	}
	_ = b.file.Close() // perhaps it was closed before
	if err := os.Remove(b.file.Name()); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
