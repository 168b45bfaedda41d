package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// toldFile is the file CAUCUS_FILE, in which a command that is told of changes by a signal reads what it
// holds now, one KEY=value a line, and no line for what it does not hold. It is replaced as a whole.
type toldFile struct{ dir string }

func newToldFile() (*toldFile, error) {
	dir, err := os.MkdirTemp("", "caucus-")
	if err != nil {
		return nil, fmt.Errorf("CAUCUS_FILE: %w", err)
	}
	return &toldFile{dir}, nil
}

func (f *toldFile) path() string { return filepath.Join(f.dir, "held") }

func (f *toldFile) write(told []string) error {
	var text strings.Builder
	for _, pair := range told {
		if !strings.HasSuffix(pair, "=") {
			text.WriteString(pair + "\n")
		}
	}
	next := f.path() + ".next"
	err := os.WriteFile(next, []byte(text.String()), 0o600)
	if err == nil {
		err = os.Rename(next, f.path())
	}
	if err != nil {
		return fmt.Errorf("CAUCUS_FILE: %w", err)
	}
	return nil
}

func (f *toldFile) remove() error { return os.RemoveAll(f.dir) }
