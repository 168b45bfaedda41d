//go:build linux

package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// What happens to files while nobody looks. The damage is done while the node is down; started again it
// must say which file is wrong, and either mend that or end. Then the operator moves the directory away and
// lets the node come back with nothing (docs/operating.md).

// drudge makes a disk slow: it hangs again and again, for less than an election takes or somewhat more.
func drudge(f *field, rng *rand.Rand) (func() error, string, error) {
	return repeated(f, rng, func(n *node) error {
		err := command("fsfreeze", "--freeze", n.disk())
		if err == nil {
			time.Sleep(time.Duration(rng.IntN(500)) * time.Millisecond)
			err = command("fsfreeze", "--unfreeze", n.disk())
		}
		return err
	})
}

// flip changes a byte in the newest file of the log, or in the newest snapshot.
func flip(f *field, rng *rand.Rand) (func() error, string, error) {
	return damaged(f, rng, func(n *node) (string, error) {
		path, err := n.newest(rng)
		if err != nil {
			return "", err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		at := rng.IntN(len(bytes.TrimRight(b, "\x00")))
		return path, write(path, at, []byte{b[at] ^ 1<<rng.IntN(8)})
	})
}

// tear leaves behind the end of the log what an append leaves that a loss of power interrupted: the last of
// its sectors are there, and the first is not. It is undone, and nobody was told of it.
func tear(f *field, rng *rand.Rand) (func() error, string, error) {
	return damaged(f, rng, func(n *node) (string, error) {
		path, err := last(filepath.Join(n.dir, "log"))
		if err != nil {
			return "", err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		at := (len(bytes.TrimRight(b, "\x00"))/4096 + 2) * 4096
		if at+4096 > len(b) {
			return "", nil // an append there would have gone to another file
		}
		return path, write(path, at, bytes.Repeat([]byte{byte(rng.IntN(255) + 1)}, 4096))
	})
}

// mislay removes the log, a snapshot, or what says whose directory it is.
func mislay(f *field, rng *rand.Rand) (func() error, string, error) {
	return damaged(f, rng, func(n *node) (string, error) {
		if rng.IntN(3) == 0 {
			return n.dir, os.Remove(filepath.Join(n.dir, "identity"))
		}
		path, err := n.newest(rng)
		if err != nil {
			return "", err
		}
		if filepath.Base(filepath.Dir(path)) == "snap" {
			return "", os.Remove(path) // the log stands in, and where it does there is nothing to say
		}
		return n.dir, os.Remove(path)
	})
}

// damaged damages what is on the disk of a node, by which it says what the node must name.
func damaged(f *field, rng *rand.Rand, harm func(*node) (must string, err error)) (undo func() error,
	what string, err error) {
	must := ""
	return risky(f, rng, func(n *node) (err error) {
		if err = n.kill(); err == nil {
			must, err = harm(n)
		}
		return err
	}, func(n *node) error { return n.recover(must) })
}

// recover starts a node of which something was damaged. It names that, and goes on or ends; after its end
// it comes back with nothing.
func (n *node) recover(must string) error {
	said, err := n.tries()
	if err != nil {
		return err
	}
	if !strings.Contains(said, must) {
		n.f.violated("%s was started without a word on %s, which is damaged; it said:\n%s", n.name, must, said)
	}
	return n.anew()
}

// tries starts a node that may end, and gives what it said until it served or had ended.
func (n *node) tries() (said string, err error) {
	before, err := os.ReadFile(n.logPath())
	if err != nil {
		return "", err
	}
	n.frail = true
	err = n.start()
	n.frail = false
	if err != nil {
		return "", err
	}
	err = n.f.until(n.name+" serves, or ends", func() bool {
		over := !n.running() // and then it has said all
		text, readErr := os.ReadFile(n.logPath())
		if readErr != nil {
			return false
		}
		said = string(text[len(before):])
		return over || strings.Contains(said, "\nready id=") || strings.HasPrefix(said, "ready id=")
	})
	return said, err
}

// anew lets a node that has ended come back with nothing, as the handbook says. One that runs goes on.
func (n *node) anew() error {
	n.mu.Lock()
	runs := n.proc.Running()
	n.ends = !runs
	n.mu.Unlock()
	if runs {
		return nil
	}
	if status, err := n.proc.Status(nodetest.Patience); err != nil || status != 1 {
		return fmt.Errorf("%s ended with status %d, %v; it said:\n%s", n.name, status, err, n.tail())
	}
	return errors.Join(n.wipe(), n.start())
}

// newest gives the newest file of the log, or the newest snapshot if there is one.
func (n *node) newest(rng *rand.Rand) (string, error) {
	if path, err := last(filepath.Join(n.dir, "snap")); err == nil && rng.IntN(2) == 0 {
		return path, nil
	}
	return last(filepath.Join(n.dir, "log"))
}

// last gives the last file of a folder.
func last(folder string) (string, error) {
	rows, err := os.ReadDir(folder)
	for i := len(rows) - 1; i >= 0; i-- {
		if !strings.HasSuffix(rows[i].Name(), ".tmp") {
			return filepath.Join(folder, rows[i].Name()), nil
		}
	}
	return "", errors.Join(err, fmt.Errorf("%s is empty: %w", folder, fs.ErrNotExist))
}

// write changes a file in one place.
func write(path string, at int, b []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(b, int64(at))
	return errors.Join(err, file.Close())
}

// rewind restores the directory of a node to an older state, as from a backup. It has forgotten what it
// promised, so the others turn it away (SAFETY B19).
func rewind(f *field, rng *rand.Rand) (func() error, string, error) {
	return risky(f, rng, (*node).age, (*node).restore)
}

func (n *node) backup() string { return filepath.Join(n.disk(), "backup") }

// age copies the directory of a node and starts it once more, until all others have written that down: who
// does not know it, or forgot it when it was killed, could not tell which of two starts is the later.
func (n *node) age() error {
	if err := n.kill(); err != nil {
		return err
	}
	before, err := os.ReadFile(n.logPath())
	if err = errors.Join(err, os.CopyFS(n.backup(), os.DirFS(n.dir)), n.start()); err != nil {
		return err
	}
	known := map[*node]bool{}
	return n.f.until("all have written down that "+n.name+" was started once more", func() bool {
		said, err := os.ReadFile(n.logPath())
		boot := startedAs.FindSubmatch(said[min(len(before), len(said)):])
		if err != nil || boot == nil {
			return false
		}
		for _, other := range n.f.all() {
			if known[other] || other == n {
				continue
			}
			book, err := os.ReadFile(filepath.Join(other.dir, "book"))
			if known[other] = err == nil && bytes.Contains(book, boot[1]); !known[other] {
				return false
			}
		}
		return true
	})
}

var startedAs = regexp.MustCompile(`msg=started .* boot=([0-9a-f]{32}) `)

// restore puts the old state in the place of the present one. Somebody must tell the node that it is.
func (n *node) restore() error {
	err := errors.Join(n.kill(), os.RemoveAll(n.dir), os.Rename(n.backup(), n.dir))
	if err != nil {
		return err
	}
	if _, err := n.tries(); err != nil {
		return err
	}
	if err := n.f.until(n.name+" is turned away", func() bool { return !n.running() }); err != nil {
		return err
	}
	said := n.tail()
	if !strings.Contains(said, "turns this one away") && !strings.Contains(said, "older copy") {
		n.f.violated("%s has an old copy of its directory and ended for another reason; it said:\n%s", n.name, said)
	}
	return n.anew()
}
