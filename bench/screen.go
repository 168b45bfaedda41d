package main

import (
	"fmt"
	"os"
)

// screen shows how it goes: on a terminal in one line that changes, elsewhere a line for each row that
// is done.
type screen struct {
	file *os.File
	live bool
}

func newScreen(file *os.File) *screen {
	info, err := file.Stat()
	return &screen{file, err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// clear removes the line that changes. What cannot be shown is no reason to stop, here and below.
func (s *screen) clear() {
	if s.live {
		fmt.Fprint(s.file, "\r\x1b[K")
	}
}

// say shows what is being done now.
func (s *screen) say(format string, args ...any) {
	if s.live {
		s.clear()
		fmt.Fprintf(s.file, format, args...)
	}
}

// done leaves a line about something that is done.
func (s *screen) done(format string, args ...any) {
	s.clear()
	fmt.Fprintf(s.file, format+"\n", args...)
}
