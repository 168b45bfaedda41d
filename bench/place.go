package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/caucus-project/caucus/bench/servers"
)

// settle makes the place in which everything runs: a directory on a disk, and a binary of caucus. leave
// removes it.
func (o options) settle(ctx context.Context, screen *screen) (house servers.House, leave func() error,
	err error) {
	parent := o.dir
	if parent == "" {
		if parent, err = disk(os.TempDir(), "/var/tmp"); err != nil {
			return house, nil, err
		}
	}
	house.Shrink = o.shrink
	house.Dir, err = os.MkdirTemp(parent, "caucus-bench-")
	if err != nil {
		return house, nil, err
	}
	leave = func() error { return os.RemoveAll(house.Dir) }
	if house.Self, err = os.Executable(); err == nil {
		if house.Caucus = o.caucus; o.caucus == "" {
			screen.say("building caucus")
			house.Caucus, err = servers.BuildCaucus(ctx, house.Dir)
		}
	}
	if err != nil {
		return house, nil, errors.Join(err, leave())
	}
	return house, leave, nil
}

// disk gives the first of some directories that is not in memory, where a sync would cost nothing.
func disk(dirs ...string) (string, error) {
	for _, dir := range dirs {
		if kind := fileSystem(dir); kind != "" && kind != inMemory {
			return dir, nil
		}
	}
	return "", fmt.Errorf("none of %s is on a disk: say with -dir where the data of the nodes shall be",
		strings.Join(dirs, ", "))
}

const inMemory = "memory, where a sync costs nothing"

// fileSystem names the kind of file system that a directory is on, "" when there is no such directory.
func fileSystem(dir string) string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return ""
	}
	switch uint32(fs.Type) {
	case 0x01021994, 0x858458f6: // tmpfs, ramfs
		return inMemory
	case 0xef53:
		return "ext4"
	case 0x58465342:
		return "xfs"
	case 0x9123683e:
		return "btrfs"
	case 0x794c7630:
		return "overlayfs"
	}
	return fmt.Sprintf("a file system of type %#x", uint32(fs.Type))
}

// machine says on what, and of what, the figures are.
func machine(ctx context.Context, house servers.House, o options) []string {
	lines := []string{
		fmt.Sprintf("%s; %d CPUs (%s), Linux %s, data on %s; %s", time.Now().UTC().Format("2006-01-02 15:04 UTC"),
			runtime.NumCPU(), processor(), kernel(), fileSystem(house.Dir), runtime.Version()),
		"caucus " + revision(ctx, o) + ", etcd " + version("go.etcd.io/etcd/server/v3") + ", redis " + redis(ctx) +
			", ZooKeeper " + servers.ZooKeeperVersion(),
		fmt.Sprintf("%d runs of %g s for each side, in turn; keys of 16 and values of 64 bytes, 10,000 of them; "+
			"all nodes and the load on this machine", o.repeat, o.seconds),
	}
	if o.shrink > 1 {
		lines = append(lines, fmt.Sprintf("numbers divided by %d: the figures say nothing", o.shrink))
	}
	return lines
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // its name is only shown
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease") // it is only shown
	return strings.TrimSpace(string(text))
}

// revision names what was built: the commit, and whether the tree differs from it.
func revision(ctx context.Context, o options) string {
	if o.caucus != "" {
		return "of " + o.caucus
	}
	if root, err := servers.Root(ctx); err == nil {
		said, err := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty").Output()
		if err == nil {
			return strings.TrimSpace(string(said))
		}
	}
	return "of this tree"
}

// version gives the version of a module that this program is made of.
func version(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == path {
				return module.Version
			}
		}
	}
	return "?"
}

func redis(ctx context.Context) string {
	said, err := exec.CommandContext(ctx, "redis-server", "--version").Output()
	_, after, _ := strings.Cut(string(said), "v=")
	number, _, _ := strings.Cut(after, " ")
	if err != nil || number == "" {
		return "not installed"
	}
	return number
}
