//go:build linux

package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// command runs a program to its end.
func command(program string, args ...string) error {
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

// disk is where the disk of a node is mounted, and image the file that it is in.
func (n *node) disk() string  { return filepath.Join(n.f.dir, n.name) }
func (n *node) image() string { return n.disk() + ".disk" }

// mount gives a node a small disk of its own, whose file system can be frozen. It takes room only for what
// is written.
func (n *node) mount() error {
	return errors.Join(os.Mkdir(n.disk(), 0o700),
		command("truncate", "-s", "400M", n.image()),
		command("mkfs.ext4", "-q", "-m", "0", n.image()),
		command("mount", "-o", "loop", n.image(), n.disk()))
}

// unmount takes the disk of a node that is down away. What is to be kept stays in a directory of its name.
func (n *node) unmount(keep bool) error {
	if keep {
		if err := command("cp", "-a", n.disk(), n.disk()+".kept"); err != nil {
			return err
		}
	}
	return errors.Join(command("umount", n.disk()), os.Remove(n.image()))
}

// hang has the disk of a node stand still, as one does that has lost its controller.
func hang(f *field, rng *rand.Rand) (func() error, string, error) {
	return each(f, rng, 1, func(n *node) error { return command("fsfreeze", "--freeze", n.disk()) },
		func(n *node) error { return command("fsfreeze", "--unfreeze", n.disk()) })
}

// fill leaves some nodes, or all, no room on their disks, or little.
func fill(f *field, rng *rand.Rand) (func() error, string, error) {
	leave := rng.IntN(2) * rng.IntN(40<<20)
	return each(f, rng, 1+rng.IntN(len(f.all())), func(n *node) error { return n.fill(leave) },
		func(n *node) error { return os.Remove(n.ballast()) })
}

func (n *node) ballast() string { return filepath.Join(n.disk(), "ballast") }

// fill takes all of the room on the disk of a node but so many bytes. The node may be taking some meanwhile.
func (n *node) fill(leave int) error {
	script := `size=$(( $(df --output=avail -B1 "$1" | tail -1) - $2 ))
		[ $size -le 0 ] && exec touch "$3" || exec fallocate -l $size "$3"`
	return n.f.until("the disk of "+n.name+" is full", func() bool {
		return command("sh", "-c", script, "fill", n.disk(), strconv.Itoa(leave), n.ballast()) == nil
	})
}

// rot damages a file of a node that is down: a byte is another, a piece is zero, the end is gone, or all of
// it. Then the node is started where nobody hears it, since it may have forgotten what it promised, and
// nothing but its own checks could show that. It may refuse its directory; it must not panic. It comes back
// with nothing.
func rot(f *field, rng *rand.Rand) (func() error, string, error) {
	var what string
	var hush func() error
	return risky(f, rng, func(n *node) (err error) {
		if err = n.kill(); err != nil {
			return err
		}
		if hush, err = f.cut(between(false, []*place{n.at}, f.others(n))...); err != nil {
			return err
		}
		if what, err = n.damage(rng); err != nil {
			return err
		}
		f.t.Logf("%s: %s", n.name, what)
		n.frail = true
		return n.start()
	}, func(n *node) error {
		n.frail = false
		return errors.Join(n.kill(), n.wipe(), hush(), n.start())
	})
}

// others gives all places but the desk and that of a node.
func (f *field) others(n *node) (list []*place) {
	for _, p := range f.places {
		if p != f.hub && p != f.desk && p != n.at {
			list = append(list, p)
		}
	}
	return list
}

// damage does something to a file of a node that is down.
func (n *node) damage(rng *rand.Rand) (what string, err error) {
	var files []string
	err = filepath.WalkDir(n.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		return "it has no files", err
	}
	path := files[rng.IntN(len(files))]
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	written := len(bytes.TrimRight(text, "\x00")) // a log is longer than what is in it
	if written == 0 || rng.IntN(8) == 0 {
		return path + " is gone", os.Remove(path)
	}
	at := rng.IntN(written)
	switch rng.IntN(3) {
	case 0:
		text[at] ^= byte(1 + rng.IntN(255))
	case 1:
		clear(text[at:min(len(text), at+4096)])
	case 2:
		text = text[:at]
	}
	return fmt.Sprintf("%s is damaged at %d of %d", path, at, written), os.WriteFile(path, text, 0o600)
}
