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
	size   func() (columns, rows int)
	lost   func(error) // told when nobody can see the screen any more; may be nil
}

func newScreen(f *os.File) *screen {
	live := term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
	return &screen{out: f, live: live, colour: live && os.Getenv("NO_COLOR") == "", start: time.Now(),
		size: func() (int, int) {
			columns, rows, err := term.GetSize(int(f.Fd()))
			if err != nil || columns <= 0 || rows <= 0 {
				return 80, 24
			}
			return columns, rows
		}}
}

// say writes a line that stays, with the time since the start.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	s.write("%6.2f s  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// plain writes lines that stay.
func (s *screen) plain(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	for _, line := range lines {
		s.write("%s\n", line)
	}
}

// The terminal cuts lines off instead of wrapping them, so that each line is one row.
const (
	cutLines  = "\x1b[?7l"
	wrapLines = "\x1b[?7h"
)

// draw replaces the picture, unless nothing can be drawn on.
func (s *screen) draw(p picture) {
	if !s.live {
		return
	}
	columns, _ := s.size()
	s.show(s.paint(p, columns))
}

// show replaces the picture by lines, in one write, so that nothing flickers. What has no room is left out.
func (s *screen) show(lines []string) {
	if !s.live {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, rows := s.size()
	lines = lines[:min(len(lines), max(1, rows-1))]
	up := ""
	if s.drawn > 0 {
		up = fmt.Sprintf("\x1b[%dA", s.drawn)
	}
	s.write("%s%s\x1b[2K%s\n\x1b[J%s", up, cutLines, strings.Join(lines, "\n\x1b[2K"), wrapLines)
	s.drawn = len(lines)
}

// progress replaces the picture by one line.
func (s *screen) progress(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	s.write(format+"\n", args...)
	s.drawn = 1
}

// wipe takes the picture away. The caller holds mu.
func (s *screen) wipe() {
	if s.drawn > 0 {
		s.write("\x1b[%dA\x1b[J", s.drawn)
		s.drawn = 0
	}
}

// write writes. The caller holds mu.
func (s *screen) write(format string, args ...any) {
	if _, err := fmt.Fprintf(s.out, format, args...); err != nil && s.lost != nil {
		s.lost(err)
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

const (
	barWidth  = 24
	rowWidth  = 60 // of what is said of a worker beside the bar
	stripMost = 72
)

// paint turns a picture into lines for a screen of so many columns.
func (s *screen) paint(p picture, columns int) (lines []string) {
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
	lines = append(lines, nodes, "  writes  "+s.faint(thousands(p.acked)+" acknowledged"))
	total := 0
	for _, w := range p.workers {
		total += w.lines
	}
	width := max(0, min(barWidth, columns-rowWidth))
	for i, w := range p.workers {
		filled := width * w.lines / max(1, total)
		bar := s.tint(i, strings.Repeat("█", filled)) + strings.Repeat(" ", width-filled)
		state := fmt.Sprintf("%-18s", w.state)
		if w.state == "killed" {
			state = s.bad(state)
		}
		lines = append(lines, fmt.Sprintf("  %s %s %s %8s lines %10s done",
			s.tint(i, fmt.Sprintf("%-7s", w.name)), bar, state, thousands(w.lines), thousands(w.pieces)))
	}
	return append(lines, s.strip(p.owners, max(1, min(stripMost, columns-2)))...)
}

// strip shows who owns items from all over the file.
func (s *screen) strip(owners []int, width int) (lines []string) {
	legend := "  some of the lines, each as the number of its worker:"
	if s.colour {
		legend = "  some of the lines, each in the colour of its worker:"
	}
	lines = append(lines, s.faint(legend))
	for row := 0; row < len(owners); row += width {
		var line strings.Builder
		line.WriteString("  ")
		for _, owner := range owners[row:min(row+width, len(owners))] {
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
