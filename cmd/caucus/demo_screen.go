package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// screen tells the demo's story: lines that stay, and in a terminal a picture below them that is drawn anew.
type screen struct {
	mu     sync.Mutex
	out    io.Writer
	live   bool // a terminal, which can be drawn on
	colour bool
	start  time.Time
	drawn  int // lines of the picture that stand on the screen
}

func newScreen(f *os.File) *screen {
	live := term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
	return &screen{out: f, live: live, colour: live && os.Getenv("NO_COLOR") == "", start: time.Now()}
}

// say writes a line that stays, with the time since the start.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprintf(s.out, "%6.2f s  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// plain writes lines that stay.
func (s *screen) plain(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	for _, line := range lines {
		fmt.Fprintln(s.out, line)
	}
}

// draw replaces the picture.
func (s *screen) draw(lines []string) {
	if !s.live {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprint(s.out, strings.Join(lines, "\n"), "\n")
	s.drawn = len(lines)
}

// wipe takes the picture away. The caller holds mu.
func (s *screen) wipe() {
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
		s.drawn = 0
	}
}

// The colours of workers, which are also readable side by side by those who see few colours.
var workerColours = []int{39, 208, 76, 170, 220, 51}

// tint colours text for the n-th worker.
func (s *screen) tint(n int, text string) string {
	if !s.colour {
		return text
	}
	return fmt.Sprintf("\x1b[38;5;%dm%s\x1b[0m", workerColours[n%len(workerColours)], text)
}

func (s *screen) style(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s *screen) good(text string) string { return s.style("32", text) }
func (s *screen) bad(text string) string  { return s.style("1;31", text) }
func (s *screen) faint(text string) string {
	return s.style("2", text)
}

// thousands writes a number with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// picture is what is to be seen at one moment.
type picture struct {
	title   string
	nodes   []nodeView
	workers []workerView
	owners  []int // worker of each of some evenly chosen items, -1 for nobody
	acked   int
}

type nodeView struct{ name, role string }

type workerView struct {
	name   string
	state  string // "1 of 4, epoch 9", "settling", "killed"
	lines  int    // how many lines its share has
	pieces int
}

const barWidth = 24

// paint turns a picture into lines.
func (s *screen) paint(p picture) (lines []string) {
	lines = append(lines, "", s.style("1", p.title))
	nodes := "  nodes   "
	for _, n := range p.nodes {
		role := n.role
		switch role {
		case "leader":
			role = s.good(role)
		case "killed":
			role = s.bad(role)
		}
		nodes += fmt.Sprintf("%s %s   ", n.name, role)
	}
	lines = append(lines, nodes+s.faint(fmt.Sprintf("%s writes acknowledged", thousands(p.acked))))
	total := 0
	for _, w := range p.workers {
		total += w.lines
	}
	for i, w := range p.workers {
		bar := strings.Repeat("█", barWidth*w.lines/max(1, total))
		pad := strings.Repeat(" ", barWidth-barWidth*w.lines/max(1, total))
		state := w.state
		if state == "killed" {
			state = s.bad(state) + strings.Repeat(" ", 14)
		}
		lines = append(lines, fmt.Sprintf("  %-7s %s%s %-20s %8s lines %10s done",
			w.name, s.tint(i, bar), pad, state, thousands(w.lines), thousands(w.pieces)))
	}
	return append(lines, s.strip(p.owners)...)
}

const stripWidth = 72

// strip shows who owns items from all over the file.
func (s *screen) strip(owners []int) (lines []string) {
	for row := 0; row < len(owners); row += stripWidth {
		var line strings.Builder
		line.WriteString("  ")
		for _, owner := range owners[row:min(row+stripWidth, len(owners))] {
			switch {
			case owner < 0:
				line.WriteString("·")
			case s.colour:
				line.WriteString(s.tint(owner, "■"))
			default:
				fmt.Fprint(&line, owner+1)
			}
		}
		lines = append(lines, line.String())
	}
	return lines
}
