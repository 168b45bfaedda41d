//go:build linux

package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// The programs of docs/languages.md, as they stand there.

// language is a way to be a member without a library of ours.
type language struct {
	name  string
	needs []string // programs
	http  bool     // its programs are given URLs
	one   bool     // its programs are given all addresses as one word
	tasks map[string][]string
	ask   []string // lets a group vote
}

func languages() []language {
	worker := func(words ...string) map[string][]string {
		tasks := map[string][]string{}
		for _, task := range []string{"lead", "divide", "vote"} {
			tasks[task] = append(slices.Clone(words), task)
		}
		return tasks
	}
	return []language{
		{name: "redis-py", needs: []string{"/usr/bin/python3"}, tasks: worker("/usr/bin/python3", "worker.py"),
			ask: []string{"/usr/bin/python3", "ask.py"}},
		{name: "node-redis", needs: []string{"node"}, tasks: worker("node", "worker.js"),
			ask: []string{"node", "ask.js"}},
		{name: "curl", needs: []string{"curl", "jq"}, http: true, tasks: worker("sh", "worker.sh"),
			ask: []string{"sh", "ask.sh"}},
		{name: "shell", needs: []string{"redis-cli", "bash"}, one: true, tasks: map[string][]string{
			"lead": {"sh", "lead.sh"}, "divide": {"sh", "divide.sh"}, "vote": {"bash", "vote.sh"}},
			ask: []string{"caucus", "vote", "--timeout", "10s", "--addr"}},
	}
}

// libraries are what redis-py and node-redis are to their interpreters, as Debian installs them.
var libraries = map[string][]string{
	"redis-py":   {"/usr/bin/python3", "-c", "import redis"},
	"node-redis": {"node", "-e", "require('redis')"},
}

// need skips the test when something is missing.
func (l language) need(t *testing.T) {
	t.Helper()
	tool.Need(t, l.needs...)
	if words, ok := libraries[l.name]; ok {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Env = surroundings(t)
		if cmd.Run() != nil {
			tool.Lack(t, l.name)
		}
	}
}

// surroundings let programs find caucus and the libraries of Debian, and print each line at once.
func surroundings(t *testing.T) []string {
	bin := filepath.Dir(nodetest.Binary(t))
	return append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "NODE_PATH=/usr/share/nodejs",
		"PYTHONUNBUFFERED=") // with it Python writes a line in pieces, between which others' come
}

// page writes the programs of docs/languages.md to a directory. The first comment of each names it.
func page(t *testing.T) (dir string) {
	t.Helper()
	text, err := os.ReadFile("../docs/languages.md")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	var names []string
	named := regexp.MustCompile(`^(?:#!.*\n)?(?:#|//) (\S+) `)
	blocks := regexp.MustCompile("(?ms)^```\\w+\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	for _, block := range blocks {
		name := named.FindStringSubmatch(block[1])
		if name == nil {
			t.Fatalf("a block does not begin with the name of its program:\n%s", block[1])
		}
		names = append(names, name[1])
		write(t, filepath.Join(dir, name[1]), []byte(block[1]))
	}
	slices.Sort(names)
	want := []string{"ask.js", "ask.py", "ask.sh", "divide.sh", "lead.sh", "vote.sh", "worker.js", "worker.py",
		"worker.sh"}
	if !slices.Equal(names, want) {
		t.Fatalf("the page has %v, and %v are run here", names, want)
	}
	return dir
}

// workshop is a group whose members are programs of the page. What they print goes to one file, so that its
// order is the order in which they worked.
type workshop struct {
	t       *testing.T
	cluster *nodetest.Cluster
	dir     string // of the programs
	group   string
	out     *os.File
	hands   []*hand
}

// hand is one of the programs.
type hand struct {
	t    *testing.T
	cmd  *exec.Cmd
	said bytes.Buffer  // stderr; to be read when it has ended
	gone chan struct{} // closed when it has
}

// open makes a workshop and its group.
func open(t *testing.T, c *nodetest.Cluster, dir, group string) *workshop {
	t.Helper()
	if _, err := nodetest.Ask(c.Addr(1), "GROUP", "CREATE", group, "SETTLE", "500"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out")
	out, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{t: t, cluster: c, dir: dir, group: group, out: out}
	t.Cleanup(func() {
		for _, h := range w.hands {
			h.kill()
			if t.Failed() {
				t.Logf("%v said:\n%s", h.cmd.Args, h.said.Bytes())
			}
		}
		if t.Failed() {
			t.Log("they printed:\n", strings.Join(w.lines(), ""))
		}
		out.Close()
	})
	return w
}

// nodes gives the addresses as the programs of a language want them, a given one first.
func (w *workshop) nodes(l language, first int) (words []string) {
	for i := range w.cluster.Size() {
		node := (first + i) % w.cluster.Size()
		if l.http {
			words = append(words, "http://"+w.cluster.HTTP(node))
		} else {
			words = append(words, w.cluster.Addr(node))
		}
	}
	if l.one {
		return []string{strings.Join(words, ",")}
	}
	return words
}

// hire starts a program that joins, and waits until the group is so large.
func (w *workshop) hire(l language, task string, first, size int) *hand {
	w.t.Helper()
	nodes := w.nodes(l, first)
	if task == "vote" { // vote.sh takes them as words of their own, as the others' programs do
		nodes = w.nodes(language{http: l.http}, first)
	}
	words := append(append(slices.Clone(l.tasks[task]), w.group), nodes...)
	h := &hand{t: w.t, cmd: nodetest.Command(w.t, words[0], words[1:]...), gone: make(chan struct{})}
	h.cmd.Dir, h.cmd.Env, h.cmd.Stdout, h.cmd.Stderr = w.dir, surroundings(w.t), w.out, &h.said
	if err := h.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(h.gone)
		_ = h.cmd.Wait() // its outcome stands in ProcessState
	}()
	w.hands = append(w.hands, h)
	w.counts(size)
	return h
}

// counts waits until the group has so many members.
func (w *workshop) counts(size int) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("%d members in %s", size, w.group), func() bool {
		r, err := nodetest.Ask(w.cluster.Addr(1), "GROUP", "INFO", w.group)
		return err == nil && r.Field("size").Int == int64(size)
	})
}

func (h *hand) signal(s syscall.Signal) {
	h.t.Helper()
	if err := h.cmd.Process.Signal(s); err != nil {
		h.t.Errorf("%v to %v: %v", s, h.cmd.Args, err)
	}
}

// kill ends it as kill -9 does, if it has not ended.
func (h *hand) kill() {
	_ = h.cmd.Process.Kill()
	<-h.gone
}

// retires asks it to end, which it does well.
func (h *hand) retires() {
	h.t.Helper()
	h.signal(syscall.SIGTERM)
	select {
	case <-h.gone:
	case <-time.After(nodetest.Patience):
		h.t.Fatalf("%v has not ended within %v of SIGTERM", h.cmd.Args, nodetest.Patience)
	}
	if status := h.cmd.ProcessState.ExitCode(); status != 0 && status != 143 { // a command's that SIGTERM ended
		h.t.Errorf("%v ended with status %d", h.cmd.Args, status)
	}
}

// lines gives what was printed, without what is being printed.
func (w *workshop) lines() []string {
	text, err := os.ReadFile(w.out.Name())
	if err != nil {
		w.t.Fatal(err)
	}
	all := strings.SplitAfter(string(text), "\n")
	return all[:len(all)-1]
}

var workedUnder = regexp.MustCompile(`under (?:TERM|EPOCH) (\d+)\n`)

// token gives under which term or epoch a line was printed.
func (w *workshop) token(line string) (token uint64) {
	m := workedUnder.FindStringSubmatch(line)
	if m == nil {
		w.t.Fatalf("%q is not a line of work", line)
	}
	fmt.Sscan(m[1], &token)
	return token
}

// works waits until all shares of so many are worked on under one token, later than another, and gives it.
func (w *workshop) works(later uint64, shares ...string) (token uint64) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("work on %q in %s", shares, w.group), func() bool {
		seen := map[string]bool{}
		for _, line := range w.lines() {
			if now := w.token(line); now > token {
				token = now
				clear(seen)
			}
			for _, share := range shares {
				if w.token(line) == token && strings.Contains(line, share) {
					seen[share] = true
				}
			}
		}
		return len(seen) == len(shares) && token > later
	})
	return token
}

// shares are what is printed of each share of so many.
func shares(total int) (all []string) {
	for i := range total {
		all = append(all, fmt.Sprintf(", %d of %d,", i+1, total))
	}
	return all
}

// judge looks at all that was done. When somebody has worked under a later token, nobody has under an earlier
// one, but for the one step of a process that was stopped after it had looked at its clock.
func (w *workshop) judge() {
	w.t.Helper()
	newest, late := uint64(0), map[uint64]int{}
	for i, line := range w.lines() {
		token := w.token(line)
		if newest = max(newest, token); token < newest {
			late[token]++
		}
		if late[token] > 1 {
			w.t.Errorf("line %d, %q: others had begun under %d", i+1, line, newest)
		}
	}
}

// One leads; when it is killed, asked to end, or stopped, another does, under a later term.
func (w *workshop) lead(l language) {
	a := w.hire(l, "lead", 0, 1)
	term := w.works(0, "led")
	b := w.hire(l, "lead", 1, 2)
	a.kill()
	term = w.works(term, "led")
	c := w.hire(l, "lead", 2, 2)
	b.retires()
	term = w.works(term, "led")
	if reasons := w.departures(); !slices.Contains([]string{"left", "closed"}, reasons[len(reasons)-1]) {
		w.t.Errorf("they left for these reasons: %q; the last should be its own will", reasons)
	}
	if !testing.Short() {
		w.hire(l, "lead", 0, 2)
		c.signal(syscall.SIGSTOP)
		w.works(term, "led")
		c.signal(syscall.SIGCONT)
		w.counts(2) // it is back, and waits
	}
	w.judge()
}

// departures gives why members left, in order.
func (w *workshop) departures() (reasons []string) {
	w.t.Helper()
	info, err := nodetest.Ask(w.cluster.Addr(1), "GROUP", "INFO", w.group)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := nodetest.Ask(w.cluster.Addr(1), "GROUP", "EVENTS", w.group, "FROM", info.Field("oldest").Text())
	if err != nil {
		w.t.Fatal(err)
	}
	left := regexp.MustCompile(`"event":"left".*"reason":"(\w+)"`)
	for _, e := range r.Items {
		if m := left.FindStringSubmatch(e.Items[1].Text()); m != nil {
			reasons = append(reasons, m[1])
		}
	}
	return reasons
}

// Two share the work; when one is killed the other has it all.
func (w *workshop) divide(l language) {
	a := w.hire(l, "divide", 0, 1)
	w.hire(l, "divide", 1, 2)
	epoch := w.works(0, shares(2)...)
	a.kill()
	w.works(epoch, shares(1)...)
	w.judge()
}

// All vote who are members.
func (w *workshop) vote(l language) {
	a := w.hire(l, "vote", 0, 1)
	b := w.hire(l, "vote", 1, 2)
	said := func(want string) {
		w.t.Helper()
		eventually(w.t, "they print "+want, func() bool {
			return strings.ReplaceAll(strings.Join(w.lines(), ""), `"`, "") == want
		})
	}
	w.asks(l, "lunch at 12?", "yes 2 0 2", "yes: 2 yes and 0 no of 2")
	said("yes to lunch at 12?\nyes to lunch at 12?\n")
	a.kill()
	w.counts(1)
	w.asks(l, "more?", "yes 1 0 1", "yes: 1 yes and 0 no of 1")
	said("yes to lunch at 12?\nyes to lunch at 12?\nyes to more?\n")
	b.retires()
}

// asks lets the group vote, which comes to one of these.
func (w *workshop) asks(l language, topic string, outcomes ...string) {
	w.t.Helper()
	words, node := slices.Clone(l.ask), w.nodes(language{http: l.http}, 2)[0]
	if l.one {
		words = append(words, node, w.group, topic)
	} else {
		words = append(words, w.group, topic, node)
	}
	if words[0] == "caucus" {
		words[0] = nodetest.Binary(w.t)
	}
	cmd := nodetest.Command(w.t, words[0], words[1:]...)
	cmd.Dir, cmd.Env = w.dir, surroundings(w.t)
	out, err := cmd.CombinedOutput()
	if err != nil || !slices.Contains(outcomes, strings.TrimSpace(string(out))) {
		w.t.Errorf("%v: %v, %s", words, err, out)
	}
}

// Each language's programs lead, divide and vote.
func TestLanguages(t *testing.T) {
	t.Parallel()
	dir, c := page(t), nodetest.Start(t, 3)
	for _, l := range languages() {
		for task, play := range map[string]func(*workshop, language){
			"lead": (*workshop).lead, "divide": (*workshop).divide, "vote": (*workshop).vote,
		} {
			t.Run(l.name+"/"+task, func(t *testing.T) {
				t.Parallel()
				l.need(t)
				play(open(t, c, dir, l.name+"."+task), l)
			})
		}
	}
}

// Members of all languages share the work of one group, and go on when their node is killed.
func TestLanguagesTogether(t *testing.T) {
	t.Parallel()
	all := languages()
	for _, l := range all {
		l.need(t)
	}
	w := open(t, nodetest.Start(t, 3), page(t), "together")
	for i, l := range all {
		w.hire(l, "divide", 2*i, i+1)
	}
	epoch := w.works(0, shares(len(all))...)
	w.cluster.Kill(2)
	w.hire(all[0], "divide", 2, len(all)+1)
	w.works(epoch, shares(len(all)+1)...)
	for _, h := range w.hands {
		h.retires()
	}
	w.judge()
}
