//go:build linux

package tests

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// TestStartWorks types what docs/start.md says, in a copy of this tree, from make build to the end.
func TestStartWorks(t *testing.T) {
	tool.Need(t, "make", "curl", "redis-cli")
	for _, name := range []string{"MAKELEVEL", "MAKEFLAGS", "MFLAGS"} { // whoever types the page is in no make
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	there, here := ports(t)
	s := shell(t, tree(t))
	play(t, "../docs/start.md", func(command string) string {
		return here.Replace(s.run(t, there.Replace(command)))
	})
}

// ports gives who puts free ports in the place of those that the page names, and who puts those back.
func ports(t *testing.T) (there, here *strings.Replacer) {
	t.Helper()
	var names, free []string
	addresses := nodetest.FreeAddresses(t, 9)
	for i, named := range []string{"5010", "5011", "5020", "5021", "5030", "5031", "8989", "8990", "8991"} {
		_, port, err := net.SplitHostPort(addresses[i])
		if err != nil {
			t.Fatal(err)
		}
		names, free = append(names, named, port), append(free, port, named)
	}
	return strings.NewReplacer(names...), strings.NewReplacer(free...)
}

// tree copies what a clone would have, which the page builds and makes its files in.
func tree(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		at := filepath.Join(to, strings.TrimPrefix(path, ".."))
		switch {
		case err != nil:
			return err
		case e.Name() == ".git", path == "../bin", path == "../dist":
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return os.MkdirAll(at, 0o755)
		case !e.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(at, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// typing is a shell that is typed into: what one command defines, the next one has.
type typing struct {
	in  io.Writer
	out *bufio.Scanner
}

// mark stands after what a command printed.
const mark = "-- that was all --"

// shell starts one in dir. It ends with the test, and with it whatever is left of its group.
func shell(t *testing.T, dir string) *typing {
	t.Helper()
	cmd := exec.Command("sh")
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // gone already is as good
	late := time.AfterFunc(5*nodetest.Patience, end)
	t.Cleanup(func() {
		late.Stop()
		end()
		_ = cmd.Wait() // killed, and says so
	})
	return &typing{in: in, out: bufio.NewScanner(out)}
}

// run has a command carried out, which reads nothing, and gives all that it printed.
func (s *typing) run(t *testing.T, command string) string {
	t.Helper()
	if _, err := fmt.Fprintf(s.in, "{ %s\n} </dev/null\necho '%s'\n", command, mark); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for s.out.Scan() {
		if s.out.Text() == mark {
			return said.String()
		}
		fmt.Fprintln(&said, s.out.Text())
	}
	t.Fatalf("it never ended:\n%s\n%s", command, said.String())
	return ""
}
