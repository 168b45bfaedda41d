//go:build linux

package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// Shell scripts under caucus join and elect. What they do is a line in a file that all of them append to,
// so that the order of the lines is the order in which they worked, whatever the clocks say.

// worked is one line: token index total pid parent.
type worked struct {
	token                     uint64
	index, total, pid, parent int
}

// labourers are wrappers that work in one group.
type labourers struct {
	t       *testing.T
	cluster *nodetest.Cluster
	file    string
	verb    []string // of caucus, group included
	script  string
	hired   []*nodetest.Process
}

// workLine appends a line now and then. The shell runs it for ever.
const workLine = `while :; do
	echo "$TOKEN ${CAUCUS_INDEX:-0} ${CAUCUS_TOTAL:-0} $$ $PPID" >>"$FILE"
	sleep 0.02
done`

func newLabourers(t *testing.T, c *nodetest.Cluster, token string, verb ...string) *labourers {
	w := &labourers{t: t, cluster: c, verb: verb, file: filepath.Join(t.TempDir(), "work")}
	w.script = "FILE=" + w.file + "; TOKEN=$" + token + "\n"
	t.Cleanup(w.dismiss)
	return w
}

// hire starts one more, whose command does what the script says.
func (w *labourers) hire(name, script string) *nodetest.Process {
	w.t.Helper()
	args := append(slices.Clone(w.verb), "--as", name, "--addr", strings.Join(w.cluster.Addrs(), ","), "--",
		"sh", "-c", w.script+script)
	p, err := nodetest.Run(args...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.hired = append(w.hired, p)
	return p
}

// lines reads what was done. A line that is being written is left for later.
func (w *labourers) lines() (all []worked) {
	w.t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var l worked
		if !strings.HasSuffix(line, "\n") {
			break
		}
		if _, err := fmt.Sscan(line, &l.token, &l.index, &l.total, &l.pid, &l.parent); err != nil {
			w.t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, l)
	}
	return all
}

// await waits until, after so many lines, all shares of a division into total were worked on under one
// token. It gives the last line of each, by index.
func (w *labourers) await(what string, after, total int) map[int]worked {
	w.t.Helper()
	shares := map[int]worked{}
	nodetest.Eventually(w.t, what, func() bool {
		clear(shares)
		for _, l := range w.lines()[after:] {
			if first, ok := shares[l.index]; l.total == total && (!ok || l.token >= first.token) {
				shares[l.index] = l
			}
		}
		token := uint64(0)
		for _, l := range shares {
			token = max(token, l.token)
		}
		for index, l := range shares {
			if l.token < token {
				delete(shares, index)
			}
		}
		return len(shares) == max(1, total)
	})
	return shares
}

// judge looks at all that was done: nobody worked under a token after somebody had under a later one, and
// nobody beside another on the same share.
func (w *labourers) judge() {
	w.t.Helper()
	newest, holder := uint64(0), map[[2]uint64]int{}
	former := map[int]bool{} // who was followed by another, be it by his own wrapper
	for i, l := range w.lines() {
		if l.token < newest {
			w.t.Errorf("line %d: %d worked under %d after another had begun under %d", i+1, l.pid, l.token,
				newest)
		}
		newest = max(newest, l.token)
		share := [2]uint64{l.token, uint64(l.index)}
		if before, ok := holder[share]; ok && before != l.pid {
			former[before] = true
		}
		if former[l.pid] {
			w.t.Errorf("line %d: share %d under %d was worked on by %d beside another", i+1, l.index, l.token,
				l.pid)
		}
		holder[share] = l.pid
	}
}

// dismiss ends all wrappers and looks for orphans.
func (w *labourers) dismiss() {
	w.t.Helper()
	for _, p := range w.hired {
		if err := p.Signal(syscall.SIGCONT); err != nil {
			w.t.Error(err)
		}
		if err := p.Signal(syscall.SIGTERM); err != nil {
			w.t.Error(err)
		}
	}
	for i, p := range w.hired {
		if _, err := p.Status(nodetest.Patience); err != nil {
			w.t.Error(err)
		}
		if w.t.Failed() {
			w.t.Logf("wrapper %d said:\n%s", i, p.Log())
		}
	}
	for _, l := range w.lines() {
		dead(w.t, l.pid)
	}
	w.judge()
}

// dead waits until a process is gone. One that only its new parent has not taken note of does nothing any
// more.
func dead(t *testing.T, pid int) {
	t.Helper()
	nodetest.Eventually(t, "process "+strconv.Itoa(pid)+" is dead", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func kill(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatalf("%v to %d: %v", signal, pid, err)
	}
}

func TestC6_ShellWorkersAreDividedAndDividedAgain(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	w := newLabourers(t, c, "CAUCUS_EPOCH", "join", "g", "--settle", "300ms", "--ttl", "3s", "--grace", "3s")
	byName := map[string]*nodetest.Process{}
	for _, name := range []string{"a", "b", "c"} {
		byName[name] = w.hire(name, workLine)
	}
	w.await("three workers have a share each", 0, 3)

	before := len(w.lines())
	if err := byName["a"].Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	two := w.await("the work is divided anew after kill -9 of a wrapper", before, 2)

	c.Kill(c.Leader())
	before = len(w.lines())
	kill(t, two[1].parent, syscall.SIGKILL) // a guardian
	dead(t, two[1].pid)
	w.await("who lost its guardian works again", before, 2)

	before = len(w.lines())
	if err := byName["b"].Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.await("the work of a stopped wrapper is done by the other", before, 1)
	before = len(w.lines())
	if err := byName["b"].Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.await("who was stopped is back", before, 2)

	// One whose guardian stands still stops its command itself.
	before = len(w.lines())
	kill(t, w.lines()[before-1].parent, syscall.SIGSTOP)
	w.hire("d", workLine)
	w.await("a third has its share though a guardian stands still", before, 3)
}

// The group may settle only when a command that does not care for SIGTERM is dead.
func TestC6_NobodyStartsWhileAnotherStillWorks(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	w := newLabourers(t, c, "CAUCUS_EPOCH", "join", "g", "--settle", "0", "--ttl", "2s", "--grace", "2s")
	w.hire("a", "trap '' TERM\n"+workLine)
	first := w.await("it works", 0, 1)[1]
	w.hire("b", "trap '' TERM\n"+workLine)
	w.await("both work", 0, 2)
	dead(t, first.pid)
}

// What a command leaves behind goes with it, be it in a session of its own.
func TestC6_NothingOfACommandSurvivesIt(t *testing.T) {
	tool.Need(t, "setsid")
	t.Parallel()
	c := nodetest.Start(t, 1)
	w := newLabourers(t, c, "CAUCUS_EPOCH", "join", "g", "--settle", "0")
	p := w.hire("a", `setsid sleep 1000 & echo "$TOKEN 1 1 $! $PPID" >>"$FILE"; exit 4`)
	if status, err := p.Status(nodetest.Patience); err != nil || status != 4 {
		t.Errorf("status %d, %v", status, err)
	}
	if len(w.lines()) != 1 {
		t.Fatal("it started nothing")
	}
}

func TestC6_NeverTwoLeaders(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	w := newLabourers(t, c, "CAUCUS_TERM", "elect", "g", "--ttl", "3s", "--grace", "3s")
	// Each has a child that does the work, and does not care for SIGTERM.
	const script = "trap '' TERM\n(" + workLine + ") & wait"
	first := w.hire("a", script)
	lead := w.await("somebody leads", 0, 0)[0]
	w.hire("b", script)
	w.hire("c", script)
	nodetest.Eventually(t, "three are in the group", func() bool {
		members, err := nodetest.Ask(c.Addr(0), "GROUP", "MEMBERS", "g")
		return err == nil && len(members.Items) == 3
	})

	if lines := w.lines(); lines[len(lines)-1].pid != lead.pid {
		t.Fatal("the leader was stopped because others joined")
	}
	if err := first.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second := w.next("another leads after kill -9", lead)
	dead(t, lead.pid)
	c.Kill(c.Leader())
	kill(t, parentOf(t, second.parent), syscall.SIGSTOP) // its wrapper
	third := w.next("another leads when a wrapper stands still", second)
	dead(t, second.pid)
	if third.pid == second.pid {
		t.Error("who stood still went on")
	}
}

// next waits for somebody to work under a later token, and gives his first line.
func (w *labourers) next(what string, than worked) (found worked) {
	w.t.Helper()
	nodetest.Eventually(w.t, what, func() bool {
		i := slices.IndexFunc(w.lines(), func(l worked) bool { return l.token > than.token })
		if i >= 0 {
			found = w.lines()[i]
		}
		return i >= 0
	})
	return found
}

// parentOf finds a process' parent.
func parentOf(t *testing.T, pid int) int {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	var state string
	var parent int
	_, rest, _ := strings.Cut(string(stat), ") ")
	if _, err := fmt.Sscan(rest, &state, &parent); err != nil {
		t.Fatal(err)
	}
	return parent
}

// Commands under one lock run one after the other, in the order in which they asked. One that loses the
// lock is stopped and not started again; who is killed in line is passed over.
func TestC6_LockRunsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	w := newLabourers(t, c, "CAUCUS_TERM", "lock", "l", "--ttl", "3s", "--grace", "3s")
	inLine := func(n int) {
		t.Helper()
		nodetest.Eventually(t, "so many are in line", func() bool {
			members, err := nodetest.Ask(c.Addr(0), "GROUP", "MEMBERS", "lock/l")
			return err == nil && len(members.Items) == n
		})
	}
	first := w.hire("a", workLine)
	held := w.await("one has the lock", 0, 0)[0]
	killed := w.hire("b", workLine)
	inLine(2)
	third := w.hire("c", "exit 6")
	inLine(3)
	w.hire("d", workLine)
	inLine(4)
	if err := killed.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	inLine(3)
	if _, err := nodetest.Ask(c.Addr(0), "GROUP", "EVICT", "lock/l", "a"); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[*nodetest.Process]int{first: 125, third: 6} {
		if status, err := p.Status(nodetest.Patience); err != nil || status != want {
			t.Errorf("status %d, %v, want %d; said:\n%s", status, err, want, p.Log())
		}
	}
	dead(t, held.pid)
	w.next("the last in line has the lock", held)
}

// How the verbs end (WIRE "Command line").
func TestWrapperExitStatus(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1, nodetest.Flags("--settle", "200ms"))
	missing := filepath.Join(t.TempDir(), "missing")
	for name, end := range map[string]struct {
		status int
		args   []string
		says   string
	}{
		"the command's":       {7, []string{"join", "a", "--", "sh", "-c", "exit 7"}, "index 1 of 1"},
		"nothing else":        {0, []string{"join", "b", "-q", "--", "true"}, ""},
		"of who leads":        {3, []string{"elect", "c", "--", "sh", "-c", "exit 3"}, "leads in term"},
		"with a lock":         {4, []string{"lock", "a/b", "--", "sh", "-c", "exit 4"}, "leads in term"},
		"bad lock":            {2, []string{"lock", "/e", "--", "true"}, "lock"},
		"killed":              {137, []string{"elect", "d", "--", "sh", "-c", "kill -9 $$"}, ""},
		"not found":           {127, []string{"join", "e", "--", "no-such-command"}, "no-such-command"},
		"no such file":        {127, []string{"join", "e", "--", missing}, missing},
		"not executable":      {126, []string{"join", "e", "--", "/etc/passwd"}, "/etc/passwd"},
		"not a program":       {126, []string{"join", "e", "--", notAProgram(t)}, ""},
		"no ensemble":         {125, []string{"join", "e", "--addr", "127.0.0.1:1", "--", "true"}, "127.0.0.1:1"},
		"group that differs":  {125, []string{"join", "made", "--min", "3", "--", "true"}, "CONFLICT"},
		"no command":          {2, []string{"join", "e"}, "cmd"},
		"no group":            {2, []string{"elect"}, "group"},
		"bad group":           {2, []string{"join", "/e", "--", "true"}, "/e"},
		"bad name":            {2, []string{"join", "e", "--as", "a b", "--", "true"}, "a b"},
		"bad signal":          {2, []string{"join", "e", "--on-change", "KILL", "--", "true"}, "--on-change"},
		"promise too short":   {2, []string{"elect", "e", "--grace", "900ms", "--", "true"}, "900ms"},
		"a shorter TTL":       {0, []string{"elect", "f", "--ttl", "2s", "--", "true"}, ""},
		"grace beyond TTL":    {2, []string{"elect", "e", "--ttl", "2s", "--grace", "3s", "--", "true"}, "3s"},
		"no file of password": {125, []string{"join", "e", "--password-file", missing, "--", "true"}, missing},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := nodetest.Ask(c.Addr(0), "GROUP", "CREATE", "made"); err != nil {
				t.Fatal(err)
			}
			args := end.args
			if !slices.Contains(args, "--addr") {
				args = append([]string{args[0], "--addr", c.Addr(0)}, args[1:]...)
			}
			p, err := nodetest.Run(args...)
			if err != nil {
				t.Fatal(err)
			}
			status, err := p.Status(nodetest.Patience)
			if err != nil || status != end.status {
				t.Errorf("status %d, %v, want %d; said:\n%s", status, err, end.status, p.Log())
			}
			if !strings.Contains(p.Log(), end.says) {
				t.Errorf("said %q, nothing of %q", p.Log(), end.says)
			}
			if slices.Contains(args, "-q") && p.Log() != "" {
				t.Errorf("said %q though told to be quiet", p.Log())
			}
		})
	}
}

// notAProgram makes a file that may be executed, and cannot.
func notAProgram(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte("\x00no program\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// A signal is passed on as SIGTERM; the verb ends as the command does.
func TestWrapperPassesTheEndOn(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	for name, end := range map[string]struct {
		script string
		signal syscall.Signal
		status int
	}{
		"dies of it":    {workLine, syscall.SIGTERM, 143},
		"ends in order": {"trap 'exit 5' TERM\n" + workLine, syscall.SIGINT, 5},
		"does not care": {"trap '' TERM\n" + workLine, syscall.SIGTERM, 137},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newLabourers(t, c, "CAUCUS_EPOCH", "join", strings.ReplaceAll(name, " ", "-"), "--settle", "0",
				"--ttl", "2s", "--grace", "2s")
			p := w.hire("a", end.script)
			w.await("it works", 0, 1)
			if err := p.Signal(end.signal); err != nil {
				t.Fatal(err)
			}
			if status, err := p.Status(nodetest.Patience); err != nil || status != end.status {
				t.Errorf("status %d, %v, want %d", status, err, end.status)
			}
			if why := "stopping the command: " + end.signal.String(); !strings.Contains(p.Log(), why) {
				t.Errorf("said nothing of %q:\n%s", why, p.Log())
			}
		})
	}
	t.Run("while it waits", func(t *testing.T) {
		p, err := nodetest.Run("join", "waiting", "--min", "2", "--addr", c.Addr(0), "--", "true")
		if err != nil {
			t.Fatal(err)
		}
		nodetest.Eventually(t, "it waits", func() bool {
			_, err := nodetest.Ask(c.Addr(0), "GROUP", "INFO", "waiting")
			return err == nil
		})
		if err := p.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if status, err := p.Status(nodetest.Patience); err != nil || status != 130 {
			t.Errorf("status %d, %v", status, err)
		}
	})
}

// With --on-change SIGNAL a command goes on, and reads in CAUCUS_FILE what it holds now.
func TestWrapperTellsBySignal(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	told := filepath.Join(t.TempDir(), "told")
	args := func(name string, more ...string) []string {
		return append([]string{"join", "g", "--as", name, "--settle", "200ms", "--addr", c.Addr(0)}, more...)
	}
	script := "trap 'sed \"s/^/$$ /\" $CAUCUS_FILE >>" + told + "; echo >>" + told + "' USR1\n" +
		"echo $$ first $CAUCUS_INDEX of $CAUCUS_TOTAL >>" + told + "\nwhile :; do sleep 0.02; done"
	a, err := nodetest.Run(args("a", "--on-change", "usr1", "--", "sh", "-c", script)...)
	if err != nil {
		t.Fatal(err)
	}
	text := func() string {
		b, _ := os.ReadFile(told) // not there before the command runs
		return string(b)
	}
	nodetest.Eventually(t, "the command runs", func() bool { return strings.Contains(text(), "first 1 of 1") })
	pid, _, _ := strings.Cut(text(), " ")
	b, err := nodetest.Run(args("b", "--", "sleep", "1000")...)
	if err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "it is told of the other", func() bool {
		return strings.Contains(text(), pid+" CAUCUS_TOTAL=2\n")
	})
	records := strings.Split(text(), "\n\n")
	settling := slices.IndexFunc(records, func(r string) bool {
		return strings.Contains(r, "CAUCUS_GROUP=g") && !strings.Contains(r, "CAUCUS_INDEX")
	})
	if settling < 0 {
		t.Errorf("it was not told that the group settles:\n%s", text())
	}
	for _, p := range []*nodetest.Process{b, a} {
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if status, err := p.Status(nodetest.Patience); err != nil || status != 143 {
			t.Errorf("status %d, %v; it said:\n%s", status, err, p.Log())
		}
	}
}
